// Writes the vectors of tests/vectors/tlog.json with the reference implementations.
package main

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"

	"crypto/ed25519"
	"encoding/binary"

	"filippo.io/mldsa"
	fnote "github.com/transparency-dev/formats/note"
	fproof "github.com/transparency-dev/formats/proof"
	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

type hashes []tlog.Hash

func (h hashes) ReadHashes(ix []int64) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, len(ix))
	for i, x := range ix {
		out[i] = h[x]
	}
	return out, nil
}

func keyID(name string, alg byte, pub []byte) []byte {
	h := sha256.New()
	h.Write([]byte(name))
	h.Write([]byte("\n"))
	h.Write([]byte{alg})
	h.Write(pub)
	return h.Sum(nil)[:4]
}

func skey(name string, alg byte, pub, priv []byte) string {
	return fmt.Sprintf("PRIVATE+KEY+%s+%x+%s", name, keyID(name, alg, pub), base64.StdEncoding.EncodeToString(append([]byte{alg}, priv...)))
}

func main() {
	out := map[string]any{}
	// Trees of 0 to 600 entries, entry i being "entry <i>".
	var store hashes
	var entries [][]byte
	const n = 600
	for i := 0; i < n; i++ {
		e := []byte(fmt.Sprintf("entry %d", i))
		entries = append(entries, e)
		store = append(store, must(tlog.StoredHashes(int64(i), e, store))...)
	}
	roots := []string{}
	for i := 0; i <= n; i++ {
		h := must(tlog.TreeHash(int64(i), store))
		roots = append(roots, hex.EncodeToString(h[:]))
	}
	out["roots"] = roots
	incl := []any{}
	for _, c := range [][2]int64{{0, 1}, {0, 2}, {1, 2}, {2, 3}, {0, 3}, {4, 5}, {6, 7}, {255, 256}, {256, 257}, {0, 257}, {511, 512}, {300, 513}, {599, 600}, {512, 600}} {
		p := must(tlog.ProveRecord(c[1], c[0], store))
		hs := []string{}
		raw := [][]byte{}
		for _, h := range p {
			hs = append(hs, hex.EncodeToString(h[:]))
			raw = append(raw, append([]byte(nil), h[:]...))
		}
		root := must(hex.DecodeString(roots[c[1]]))
		if err := proof.VerifyInclusion(rfc6962.DefaultHasher, uint64(c[0]), uint64(c[1]), rfc6962.DefaultHasher.HashLeaf(entries[c[0]]), raw, root); err != nil {
			panic(err)
		}
		incl = append(incl, map[string]any{"index": c[0], "size": c[1], "proof": hs})
	}
	out["inclusion"] = incl
	cons := []any{}
	for _, c := range [][2]int64{{1, 1}, {1, 2}, {1, 3}, {2, 3}, {3, 4}, {3, 7}, {4, 7}, {6, 7}, {6, 8}, {255, 256}, {256, 257}, {256, 512}, {300, 513}, {511, 600}, {512, 600}, {599, 600}} {
		p := must(tlog.ProveTree(c[1], c[0], store))
		hs := []string{}
		raw := [][]byte{}
		for _, h := range p {
			hs = append(hs, hex.EncodeToString(h[:]))
			raw = append(raw, append([]byte(nil), h[:]...))
		}
		if err := proof.VerifyConsistency(rfc6962.DefaultHasher, uint64(c[0]), uint64(c[1]), raw, must(hex.DecodeString(roots[c[0]])), must(hex.DecodeString(roots[c[1]]))); err != nil {
			panic(err)
		}
		cons = append(cons, map[string]any{"old": c[0], "new": c[1], "proof": hs})
	}
	out["consistency"] = cons
	tiles := []any{}
	for _, t := range tlog.NewTiles(8, 0, n) {
		d := must(tlog.ReadTileData(t, store))
		s := sha256.Sum256(d)
		tiles = append(tiles, map[string]any{"level": t.L, "n": t.N, "width": t.W, "path": t.Path(), "sha256": hex.EncodeToString(s[:])})
	}
	out["tiles"] = tiles

	// A checkpoint signed by its log and by cosigners of both types.
	origin := "tongban.example/five-cities/510107"
	seed := func(b byte) []byte { s := make([]byte, 32); for i := range s { s[i] = b + byte(i) }; return s }
	logSeed := seed(1)
	logPub := ed25519.NewKeyFromSeed(logSeed).Public().(ed25519.PublicKey)
	logSigner := must(note.NewSigner(skey(origin, 1, logPub, logSeed)))
	root := must(hex.DecodeString(roots[n]))
	text := fmt.Sprintf("%s\n%d\n%s\n", origin, n, base64.StdEncoding.EncodeToString(root))
	signed := must(note.Sign(&note.Note{Text: text}, logSigner))
	logKey := must(note.NewEd25519VerifierKey(origin, logPub))
	ts := uint64(1767225600)

	name := "tongban.example/five-cities/510700/cosigner"
	edSeed := seed(33)
	edKey := ed25519.NewKeyFromSeed(edSeed)
	edPub := edKey.Public().(ed25519.PublicKey)
	edSig := binary.BigEndian.AppendUint64(nil, ts)
	edSig = append(edSig, ed25519.Sign(edKey, []byte(fmt.Sprintf("cosignature/v1\ntime %d\n%s", ts, text)))...)
	edVkey := fmt.Sprintf("%s+%x+%s", name, keyID(name, 4, edPub), base64.StdEncoding.EncodeToString(append([]byte{4}, edPub...)))

	mlSeed := seed(77)
	mlPriv := must(mldsa.NewPrivateKey(mldsa.MLDSA44(), mlSeed))
	mlPub := mlPriv.PublicKey().Bytes()
	mlSigner := must(fnote.NewMLDSASigner(skey(name, 6, mlPub, mlSeed)))
	mlSig := must(mlSigner.SignSubtree(ts, origin, 0, n, root))
	mlVkey := fmt.Sprintf("%s+%x+%s", name, keyID(name, 6, mlPub), base64.StdEncoding.EncodeToString(append([]byte{6}, mlPub...)))

	line := func(name string, id, sig []byte) string {
		return fmt.Sprintf("\u2014 %s %s\n", name, base64.StdEncoding.EncodeToString(append(append([]byte(nil), id...), sig...)))
	}
	full := append(signed, []byte(line(name, keyID(name, 4, edPub), edSig)+line(name, keyID(name, 6, mlPub), mlSig))...)
	verifiers := note.VerifierList(must(note.NewVerifier(logKey)), must(fnote.NewVerifierForCosignatureV1(edVkey)), must(fnote.NewMLDSAVerifier(mlVkey)))
	opened := must(note.Open(full, verifiers))
	if len(opened.Sigs) != 3 {
		panic("not all signatures verified")
	}
	pr := must(tlog.ProveRecord(n, 300, store))
	var hs [][32]byte
	for _, h := range pr {
		hs = append(hs, h)
	}
	out["note"] = map[string]any{
		"text": text, "log_seed": hex.EncodeToString(logSeed), "log_vkey": logKey, "signed_by_log": string(signed),
		"timestamp": ts, "ed25519_seed": hex.EncodeToString(edSeed), "ed25519_vkey": edVkey,
		"ml_dsa_seed": hex.EncodeToString(mlSeed), "ml_dsa_vkey": mlVkey, "checkpoint": string(full),
	}
	out["proof"] = map[string]any{
		"entry": string(entries[300]), "index": 300,
		"plain": string(fproof.TLogProof{Index: 300, Hashes: hs, Checkpoint: full}.Marshal()),
		"extra": string(fproof.TLogProof{Index: 300, Hashes: hs, Checkpoint: full, ExtraData: []byte("opaque")}.Marshal()),
	}
	must(0, os.WriteFile("tlog.json", append(must(json.MarshalIndent(out, "", " ")), '\n'), 0o644))
}
