"""Every hard limit of the product in one place, each with its reason.

Limits that the contracts enforce stand here with the same numbers; a test compares them with the contracts' constants.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["LIMITS", "Limits"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """All limits; sizes in bytes, times in seconds unless the name says otherwise."""

    # Entries travel in tiles with a 16-bit length before each (C2SP tlog-tiles).
    log_entry_bytes: int = 65_535
    # Fifteen cities with both cosignatures each take 52 KB; as much again is room for witnesses outside.
    log_note_bytes: int = 128 * 1024
    # Log, fifteen cities twice, and as many outside witnesses; C2SP signed-note asks for at least 16.
    log_note_signatures: int = 64
    # A name of 255 bytes and an ML-DSA-44 key in base64 stay below it.
    log_vkey_chars: int = 2_304
    # Read and hashed again before each checkpoint: a quarter of a second; beyond it new files and a stretch of old ones.
    log_reread_entries: int = 65_536
    # A note of full length, 63 hashes and the extra data in base64.
    log_proof_bytes: int = 256 * 1024
    # Opaque to us and signed by nobody: room for a pointer to the document, not for the document.
    log_proof_extra_bytes: int = 64 * 1024
    # Thirty-two logs and witnesses with ML-DSA-44 keys take 120 KB with their addresses.
    log_policy_bytes: int = 256 * 1024
    # C2SP tlog-policy asks for at least 32 logs, witnesses and groups.
    log_policy_items: int = 32
    # Each cosigning city is two witnesses and a group of a policy, with one group more for the quorum.
    log_cosigning_cities: int = 15
    # More origins would help nobody: the trees are identical, and each costs every outside witness a state.
    log_publishers: int = 3
    # Appended in one go: two bundles; the files of a year's log are made in minutes, and a crash loses little.
    log_append_entries: int = 512
    # How many sizes of the tree this city remembers having seen first, and when: hours of a busy day.
    log_seen_sizes: int = 4_096
    # A cosigner says that it saw the newest block within this time of its own clock.
    log_timely_seconds: int = 30
    # The network engine's transaction limit is 128 KB; the rest is room for the signature and the envelope.
    transaction_calldata_bytes: int = 96 * 1024
    # A batch must fit a block beside others; measured batches of 200 transitions need 5 M.
    transaction_gas: int = 8_000_000
    # A record of twelve fields has 2 KB; a receipt with its proofs, the longest document read in one piece, under 1 MB.
    json_bytes: int = 4 * 1024 * 1024
    # Our documents nest six deep; parsers recurse, so a bound keeps a hostile one from exhausting the stack.
    json_depth: int = 24
    # Fewer leaves would let a reader of the chain guess how many materials a batch holds.
    batch_leaves_least: int = 256
    # The manifest of a batch is read in one piece: a million leaves are 120 MB of it, a year's papers of a county.
    batch_leaves: int = 2**20
    # How often a material is used before its leaves run out and more are anchored; leaves cost nothing on the chain.
    leaves_per_subject: int = 8
    # More leaves are anchored before the last is gone: a case with its child takes two, and a batch waits some minutes.
    fresh_leaves_least: int = 3
    # Materials looked at in one pass when all are looked through: their leaves are counted in milliseconds.
    renewals_at_once: int = 500
    # The documents of a batch are held in memory together while it is formed.
    batch_materials: int = 2_048
    # A paper states some dozens of things at most; files of a material are fields too.
    record_fields: int = 128
    # One field is a name, a number, an address or a paragraph; whole texts are files.
    record_field_bytes: int = 16 * 1024
    # A name or a number on a document of identity; the longest names that passports print are far shorter.
    identity_chars: int = 200
    # 128 digests of 43 characters and the plain members; anything longer is not a record.
    record_bytes: int = 32 * 1024
    # A household register with all its members is the largest; each subject has leaves of its own.
    record_subjects: int = 32
    # A joint case has a handful of cities; the count is one byte and each wrapped key 1.2 KB.
    box_readers: int = 64
    # Blocks travel whole between cities and through bitswap, which takes no more than 2 MB; 1 MB is the custom of IPFS.
    block_bytes: int = 1024 * 1024
    # The manifest of a content lists its blocks and must itself fit in one: 4 GB need 254 KB.
    content_bytes: int = 4 * 1024**3

    # A signed request between cities: long enough for a slow line, short enough that few nonces are kept.
    peer_signature_seconds: int = 60
    # Clocks of two cities may differ by this much before a signature counts as made in the future.
    peer_clock_seconds: int = 30

    # A key goes on counting this long after it was replaced: the daemon and the other cities' pictures learn of the new
    # one within a minute or two, and what is under way is signed with the old one.
    peer_key_grace_seconds: int = 600
    # Another city says when to ask it again, but cannot keep this one away for longer.
    peer_retry_seconds: int = 300
    # A megabyte takes this long over the slowest line in use; a city that drips bytes must not hold the lane.
    peer_answer_seconds: int = 120
    # A city that let a request run out of time is not asked again for so long; the work of others goes on meanwhile.
    peer_silent_seconds: int = 5
    # A problem is a code, two sentences and some short facts.
    problem_bytes: int = 16 * 1024

    # A delivery is a sealed letter; whole files travel as blobs.
    peer_delivery_bytes: int = 1024 * 1024
    # What one city may leave unread here: more than a year of letters between two cities.
    peer_inbox: int = 20_000

    # How long a writer waits for another; a synchroniser's chunk takes well under a second.
    database_lock_seconds: int = 15
    # One database transaction of the synchroniser: full blocks of events stay under a second, a cut loses little.
    synchronising_blocks: int = 256
    # More than this waiting means that the engine is away: say so while it is still a matter of minutes.
    outbox_waiting: int = 20_000
    # Transactions of one key under way at once: enough to fill blocks of a second, few enough to sort out after a fault.
    outbox_in_flight: int = 16
    # How many intents one pass looks at; the rest has its turn a moment later.
    outbox_pass: int = 4_000
    # Times that a reverted operation is tried alone before a person has to look at it: another's fault may pass.
    outbox_reverts: int = 3
    # Pause before a transaction is handed in again; doubled each time up to the second figure.
    outbox_resend_seconds: int = 5
    outbox_resend_most_seconds: int = 300
    # A transaction that no block took after so many attempts (over half an hour) is replaced by a smaller one.
    outbox_stuck_attempts: int = 12
    # Transactions of ours looked up on the chain when a backup is older than they: a busy city's day.
    outbox_adopt: int = 10_000
    # A node's clock and the chain's may differ; transactions older than its oldest intent by this cannot carry it.
    outbox_adopt_margin_seconds: int = 86_400
    # How often it is looked whether a replaced key was refused something: people wait for it, and it is one query.
    outbox_replaced_key_seconds: int = 10
    # How long an operation may wait for a key that this node has not: one put back is read within seconds.
    outbox_key_seconds: int = 10

    # Requests in one message to an engine: headers are 1.5 KB each; engines of others refuse more than 1,000.
    chain_batch_requests: int = 250
    # Blocks whose receipts are asked for in one message: full batches give 200 KB each.
    chain_batch_blocks: int = 32
    # Span of one request for logs; engines of others refuse more than 5,000 or 10,000.
    chain_log_range: int = 2_000
    # A block's worth of receipts takes well under a second; after this an engine counts as gone.
    chain_request_seconds: int = 30
    # The largest contract (24,576 bytes of code) takes 6 M with its constructor's storage.
    deployment_gas: int = 16_000_000

    # --- The embedded engine ---
    # The network engines refuse a transaction over 128 KB; what fits there must fit here and the other way round.
    engine_transaction_bytes: int = 128 * 1024
    # 30 seconds of blocks at the measured rate, and memory for them; beyond that a sender is told to come again.
    engine_pool_transactions: int = 8_192
    engine_pool_bytes: int = 64 * 1024 * 1024
    # One member's daemon sends at most a few thousand ahead; half of the pool stays for the others.
    engine_pool_sender: int = 4_096
    # A nonce further ahead than one sender may have waiting can never become ready.
    engine_nonce_ahead: int = 4_096
    # A missing nonce that is not sent again within ten minutes was lost by its sender.
    engine_waiting_seconds: int = 600
    # Replaced, expired and refused transactions that can still be asked for: twice the pool.
    engine_outcomes: int = 16_384
    # A call holds one of the reading threads: 50 M gas are a few seconds of it (the usual cap of public nodes).
    engine_call_gas: int = 50_000_000
    # eth_getLogs reads one row a block; ten thousand of them take tens of milliseconds.
    engine_log_blocks: int = 10_000
    # A client that wants more pages by blocks; the answer is built in memory.
    engine_log_results: int = 100_000
    engine_log_bytes: int = 64 * 1024 * 1024
    # A batch of the largest transactions in hexadecimal, thirty at a time.
    engine_body_bytes: int = 8 * 1024 * 1024
    # As many requests as one body may hold; each is answered in turn by one thread.
    engine_batch_requests: int = 1_000
    # Filters are kept in memory for clients that poll; five minutes is what other nodes keep an idle one.
    engine_filters: int = 1_024
    engine_filter_seconds: int = 300

    # Six digits guessed this often have a chance of five in a million before the lock.
    custody_wrong_pins: int = 5
    # Long enough that guessing does not pay, short enough to wait for at a window.
    custody_lock_seconds: int = 900

    # A paper of a case is one raw block, and larger content belongs into a material.
    paper_bytes: int = 256 * 1024
    # What an applicant signs for a case: the paper as it reads and, in base64, as it is sealed.
    case_document_bytes: int = 1024 * 1024
    # Case keys of a seed tried against a document: a person opens some dozens of cases; a thousand take a tenth of a second.
    case_keys_searched: int = 1_000

    # A wallet's length is a multiple of this: ten papers with their leaves have 60 KB, so most wallets look alike.
    wallet_step_bytes: int = 64 * 1024
    # A version a day for twenty-seven years; finding the newest derives one key for each.
    wallet_versions: int = 10_000
    # A wallet goes out at some moment of this long, so that its time does not tell which use it was made after.
    wallet_spread_seconds: int = 3_600
    # The contract's own number: a city of ten million writes fewer a day.
    wallet_pointers_a_day: int = 10_000

    # An applicant names the cities where papers may be; nobody has lived in more of them than remembered at a window.
    lookup_cities: int = 3
    # The contract's own number: look-ups are the exception, the wallet is the rule.
    lookups_a_day: int = 200
    # The name of a law, the article and its paragraph: the longest that our matters rest on has 120 bytes.
    provision_bytes: int = 1_024
    # A question names one person and some types of papers; all have one length.
    lookup_question_bytes: int = 4 * 1024
    # Two dozen papers with a leaf and its path each; empty, refused and full answers have this one length.
    lookup_answer_bytes: int = 64 * 1024
    # As many types as one matter asks for.
    lookup_types: int = 32
    # A question is delivered once it is on the record; one that is not there after a day is no question.
    lookup_unasked_seconds: int = 86_400
    # Questions and answers dealt with in one pass of the daemon.
    lookups_at_once: int = 50

    # A release carries records of up to sixteen leaves; more is no request of ours.
    key_request_bytes: int = 16 * 1024 * 1024
    # Releases decrypt nothing large; a daemon that takes longer is stuck.
    key_request_seconds: int = 30

    # --- Files handed in ---
    # A register scanned in colour at 600 dots an inch has 300 MB; more is a mistake of the scanner's settings.
    intake_file_bytes: int = 512 * 1024 * 1024
    # One visit's papers; more is a whole archive, which goes in by several batches.
    intake_files: int = 1_000
    # An OFD package of a hundred pages has some hundred entries.
    archive_entries: int = 4_096
    # zipfile reads the directory whole: 4,096 entries with long names.
    archive_directory_bytes: int = 1024 * 1024
    # What a package may unpack to; every reader of the material will have to unpack it.
    archive_bytes: int = 1024**3
    # XML packs 30 times smaller at most, deflate can do 1,032: whatever lies near that is no document.
    archive_ratio: int = 200
    # A manifest names some files and what they state; it is read in one piece.
    manifest_bytes: int = 4 * 1024 * 1024
    manifest_rows: int = 10_000
    # A million entries are 80 MB in base64, and each material adds some 150 bytes.
    batch_manifest_bytes: int = 256 * 1024 * 1024

    # --- Consortium and catalogue: the contracts have the same numbers ---
    # A name on screen and in events; the longest official name of a city, district or zone has 20 characters.
    member_name_bytes: int = 64
    # Implementing bodies have longer names: up to 30 characters.
    department_name_bytes: int = 96
    # A host, a port and a short path.
    endpoint_url_bytes: int = 128
    # The longest code of the national exchange schema has 36 characters; a local one may have as many as fit.
    matter_code_bytes: int = 64
    # The largest group known, the Yangtze delta's, has 41 cities.
    agreement_parties: int = 64
    # Each is a slot of 22,000 gas: 200 and 64 parties fit a transaction of 8 M gas.
    agreement_matters: int = 200
    # A year's notice is the longest that any published agreement has.
    agreement_notice_days: int = 366

    # --- A node's health ---
    # The daemon notes what works this often, so that the web process sees it alive.
    health_note_seconds: int = 5
    # Longer than any step takes when nothing is wrong: a daemon that is silent so long has stopped or hangs.
    health_silent_seconds: int = 60
    # How often the daemon asks whether the store takes blocks: seldom enough to cost nothing, soon enough for a window.
    health_store_seconds: int = 30
    # How often the daemon asks others for the entries of matters that it has not: they change a few times a year.
    catalogue_fetch_seconds: int = 60
    # The largest file that may be handed in: with less room than that the store says so before somebody stands there.
    store_free_bytes: int = 512 * 1024 * 1024
    # A step that has not come back for so long hangs, or reads what piled up over days: either should be seen.
    health_step_silent_seconds: int = 600
    # An intent that waits this long waits for a reason that somebody should see.
    health_waiting_seconds: int = 600

    # A visit's papers with their receipts; a folder with more is some other folder.
    offline_files: int = 4_096
    # A receipt holds one record and four entries of the log with their paths.
    receipt_bytes: int = 1024 * 1024

    # What anybody may send to a node: a receipt and a delivery are the longest documents there are.
    request_bytes: int = 1024 * 1024

    # Papers opened in one pass of the daemon; the rest come with the next.
    papers_at_once: int = 200


LIMITS = Limits()
