// OpenAttestation as a peer: one request of JSON a line in, one answer a line out.
// It counts its own seconds, so that neither starting it nor talking to it is held against it.
import { createInterface } from "node:readline";
import { SUPPORTED_SIGNING_ALGORITHM, signDocument, verifySignature, wrapDocuments } from "@govtechsg/open-attestation";
import {
  isValid,
  openAttestationDidIdentityProof,
  openAttestationDidSignedDocumentStatus,
  openAttestationHash,
  verificationBuilder,
} from "@govtechsg/oa-verify";

const CHECKED = 64;
const kept = { wrapped: [], signed: [], verify: undefined };

// The same fields as the records on the other side, and the issuer as the schema demands it.
function documents(count, fields, issuer) {
  return Array.from({ length: count }, () => ({ issuers: [issuer], ...fields }));
}

const STORE = {
  name: "样本机关",
  documentStore: `0x${"11".repeat(20)}`,
  identityProof: { type: "DNS-TXT", location: "example.com" },
};

async function seconds(work) {
  const start = process.hrtime.bigint();
  const answer = await work();
  return [Number(process.hrtime.bigint() - start) / 1e9, answer];
}

function require(good) {
  if (!good) throw new Error("the peer's own answer is no good");
}

const requests = {
  async wrap({ count, fields }) {
    const unwrapped = documents(count, fields, STORE);
    const [took, wrapped] = await seconds(() => wrapDocuments(unwrapped));
    require(wrapped.length === count && verifySignature(wrapped[count - 1]));
    return { items: count, seconds: took };
  },

  // Wrapped once, of which some spread over the batch are verified again and again.
  async keep({ count, fields }) {
    const wrapped = await wrapDocuments(documents(count, fields, STORE));
    kept.wrapped = wrapped.filter((_, index) => index % Math.ceil(count / CHECKED) === 0);
    return {};
  },

  async verify({ count }) {
    const { wrapped } = kept;
    const [took, good] = await seconds(() => {
      let sound = true;
      for (let index = 0; index < count; index += 1) sound = verifySignature(wrapped[index % wrapped.length]) && sound;
      return sound;
    });
    require(good);
    return { items: count, seconds: took };
  },

  // Signed by a DID, which is what OpenAttestation can verify without a chain or a name server: its resolver is local.
  async sign({ count, fields, key, address }) {
    const did = `did:ethr:${address}`;
    const name = `${did}#controller`;
    const issuer = {
      id: did,
      name: STORE.name,
      revocation: { type: "NONE" },
      identityProof: { type: "DID", location: "example.com", key: name },
    };
    const wrapped = await wrapDocuments(documents(count, fields, issuer));
    const method = {
      id: name,
      type: "EcdsaSecp256k1RecoveryMethod2020",
      controller: did,
      blockchainAccountId: `eip155:1:${address}`,
    };
    const didDocument = { "@context": "https://w3id.org/did/v1", id: did, verificationMethod: [method] };
    const resolver = {
      resolve: async () => ({ didDocument, didResolutionMetadata: {}, didDocumentMetadata: {} }),
    };
    kept.verify = verificationBuilder(
      [openAttestationHash, openAttestationDidSignedDocumentStatus, openAttestationDidIdentityProof],
      { resolver },
    );
    kept.signed = await Promise.all(
      wrapped
        .filter((_, index) => index % Math.ceil(count / CHECKED) === 0)
        .map((document) =>
          signDocument(document, SUPPORTED_SIGNING_ALGORITHM.Secp256k1VerificationKey2018, {
            public: name,
            private: key,
          }),
        ),
    );
    return {};
  },

  async verifySigned({ count }) {
    const { signed, verify } = kept;
    const [took, good] = await seconds(async () => {
      let sound = true;
      for (let index = 0; index < count; index += 1) {
        sound = isValid(await verify(signed[index % signed.length])) && sound;
      }
      return sound;
    });
    require(good);
    return { items: count, seconds: took };
  },
};

for await (const line of createInterface({ input: process.stdin })) {
  const request = JSON.parse(line);
  console.log(JSON.stringify(await requests[request.do](request)));
}
