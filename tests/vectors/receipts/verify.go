// Checks the parts of a receipt with the libraries of others: checkpoint, entries, leaf, commitment, fields, status.
//
// Put this file and go.mod.txt (as go.mod) into an empty folder; go mod tidy; go run . receipt.json policy
package main

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func require(ok bool, what string) {
	if !ok {
		panic(what)
	}
	fmt.Println("ok:", what)
}

type logged struct {
	Index string
	Entry []byte
	Path  [][]byte
}

type neighbour struct {
	Identifier []byte
	Index      string
	Path       [][]byte
}

type receipt struct {
	Checkpoint, Leaf, Entry, Blinding string
	Record                            []byte
	Path                              [][]byte
	Disclosures                       []string
	Anchored, Status                  logged
	Use                               *struct{ Granted, Used logged }
	Absence                           struct{ Left, Right *neighbour }
}

type event struct {
	Event, Contract string
	StatusRoot      string `json:"status_root"`
	StatusSize      string `json:"status_size"`
	Args            struct {
		Root string
		Size json.RawMessage
	}
}

// cosigner verifies an Ed25519 cosignature of tlog-cosignature: a time of 8 bytes, then the signature.
type cosigner struct {
	name string
	hash uint32
	key  ed25519.PublicKey
}

func (c cosigner) Name() string    { return c.name }
func (c cosigner) KeyHash() uint32 { return c.hash }
func (c cosigner) Verify(msg, sig []byte) bool {
	if len(sig) != 72 {
		return false
	}
	text := fmt.Sprintf("cosignature/v1\ntime %d\n%s", binary.BigEndian.Uint64(sig[:8]), msg)
	return ed25519.Verify(c.key, []byte(text), sig[8:])
}

func verifiers(policy string) []note.Verifier {
	var found []note.Verifier
	for _, line := range strings.Split(policy, "\n") {
		words := strings.Fields(line)
		if len(words) == 0 || words[0] != "log" && words[0] != "witness" {
			continue
		}
		for _, word := range words[1:] {
			parts := strings.SplitN(word, "+", 3)
			if len(parts) != 3 {
				continue
			}
			key := must(base64.StdEncoding.DecodeString(parts[2]))
			hash := binary.BigEndian.Uint32(must(hex.DecodeString(parts[1])))
			switch key[0] {
			case 0x01:
				found = append(found, must(note.NewVerifier(word)))
			case 0x04:
				found = append(found, cosigner{parts[0], hash, key[1:]})
			}
		}
	}
	return found
}

func path(hashes [][]byte) tlog.RecordProof {
	proof := tlog.RecordProof{}
	for _, hash := range hashes {
		proof = append(proof, tlog.Hash(hash))
	}
	return proof
}

func number(text string) int64 { return must(strconv.ParseInt(text, 10, 64)) }

func main() {
	var r receipt
	if err := json.Unmarshal(must(os.ReadFile(os.Args[1])), &r); err != nil {
		panic(err)
	}
	opened := must(note.Open([]byte(r.Checkpoint), note.VerifierList(verifiers(string(must(os.ReadFile(os.Args[2]))))...)))
	lines := strings.Split(opened.Text, "\n")
	size, root := number(lines[1]), tlog.Hash(must(base64.StdEncoding.DecodeString(lines[2])))
	require(len(opened.Sigs) >= 2, fmt.Sprintf("checkpoint of %d entries, %d Ed25519 signatures of the policy", size, len(opened.Sigs)))

	entries := map[string]logged{"anchored": r.Anchored, "status": r.Status}
	if r.Use != nil {
		entries["granted"], entries["used"] = r.Use.Granted, r.Use.Used
	}
	for name, l := range entries {
		err := tlog.CheckRecord(path(l.Path), size, root, number(l.Index), tlog.RecordHash(l.Entry))
		require(err == nil, "entry "+name+" is in the log")
	}

	var anchored, status event
	must(0, json.Unmarshal(r.Anchored.Entry, &anchored))
	must(0, json.Unmarshal(r.Status.Entry, &status))
	batch, index, _ := strings.Cut(r.Leaf, ":")
	entry, blinding := must(hex.DecodeString(r.Entry)), must(hex.DecodeString(r.Blinding))
	treeRoot := tlog.Hash(must(hex.DecodeString(anchored.Args.Root[2:])))
	treeSize := number(strings.Trim(string(anchored.Args.Size), `"`))
	err := tlog.CheckRecord(path(r.Path), treeSize, treeRoot, number(index), tlog.RecordHash(entry))
	require(err == nil && anchored.Event == "Anchored", "the leaf is in the anchored batch")

	record := sha256.Sum256(r.Record)
	commitment := sha256.Sum256(bytes.Join([][]byte{{2}, blinding, record[:]}, nil))
	require(bytes.Equal(commitment[:], entry[26:]), "the leaf commits to the record")
	for _, disclosure := range r.Disclosures {
		digest := sha256.Sum256([]byte(disclosure))
		claim := base64.RawURLEncoding.EncodeToString(digest[:])
		require(bytes.Contains(r.Record, []byte(`"`+claim+`"`)), "a disclosed field is of the record")
	}

	identifier := sha256.New()
	identifier.Write([]byte("tongban-ledger/status/v1\nleaf\n"))
	identifier.Write(must(hex.DecodeString(anchored.Contract[2:])))
	identifier.Write(binary.BigEndian.AppendUint64(nil, uint64(number(batch))))
	identifier.Write(binary.BigEndian.AppendUint64(nil, uint64(number(index))))
	wanted := identifier.Sum(nil)
	statusSize, statusRoot := number(status.StatusSize), tlog.Hash(must(hex.DecodeString(status.StatusRoot[2:])))
	after, before := int64(0), statusSize
	for _, side := range []*neighbour{r.Absence.Left, r.Absence.Right} {
		if side != nil {
			err := tlog.CheckRecord(path(side.Path), statusSize, statusRoot, number(side.Index), tlog.RecordHash(side.Identifier))
			require(err == nil, "a neighbour is in the status tree")
		}
	}
	if left := r.Absence.Left; left != nil {
		require(bytes.Compare(left.Identifier, wanted) < 0, "the left neighbour is less")
		after = number(left.Index) + 1
	}
	if right := r.Absence.Right; right != nil {
		require(bytes.Compare(right.Identifier, wanted) > 0, "the right neighbour is greater")
		before = number(right.Index)
	}
	require(after == before, "the leaf is not among what was revoked")
}
