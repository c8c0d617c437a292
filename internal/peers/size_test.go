package peers_test

import (
	"encoding/base64"
	"fmt"
	"maps"
	"sort"
	"strconv"
	"strings"
	"testing"

	spb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc"
	grpcstatus "google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/errstatus/errstatus/status"
)

// budget is the number of bytes that a status may add to a header list. nginx reads
// response headers into a buffer of 4 KiB; gRPC's C core accepts 8 KiB.
const budget = 4096

// weight returns the bytes that a status adds to a header list. RFC 9113, section
// 6.5.2, counts the name and the value of each header and 32 bytes.
func weight(st *spb.Status) int {
	header := func(name string, value int) int { return len(name) + value + 32 }
	return header(":status", len("200")) +
		header("content-type", len("application/grpc")) +
		header("grpc-status", len(strconv.Itoa(int(st.GetCode())))) +
		header("grpc-message", percentEncoded(st.GetMessage())) +
		header("grpc-status-details-bin", base64.RawStdEncoding.EncodedLen(proto.Size(st)))
}

// percentEncoded returns the length of a message in grpc-message.
func percentEncoded(message string) int {
	length := len(message)
	for _, b := range []byte(message) {
		if b < ' ' || b > '~' || b == '%' {
			length += len("%00") - 1
		}
	}
	return length
}

// A size is a call whose answer is at the budget, or would exceed it.
type size struct {
	call      call
	truncated bool // whether the server truncates the answer
}

func sizes(t *testing.T, direct *grpc.ClientConn) []size {
	t.Helper()
	return []size{
		{call: longestWhole(t, direct, "x")},
		{call: longestWhole(t, direct, "错")},
		{call: longestWhole(t, direct, "~")}, // HPACK doesn't shorten it: the most bytes for a proxy
		{call: call{Name: "20,000 letters", Message: strings.Repeat("x", 20_000)}, truncated: true},
		{call: call{Name: "5,000 Chinese characters", Message: strings.Repeat("错", 5_000)}, truncated: true},
		{call: call{Name: "60 metadata pairs", Metadata: pairs(60)}, truncated: true},
	}
}

func pairs(n int) map[string]string {
	all := make(map[string]string)
	for i := range n {
		all[fmt.Sprintf("key-%02d", i)] = strings.Repeat("v", 64)
	}
	return all
}

// longestWhole returns the call with the longest message of one repeated character
// that the server does not truncate.
func longestWhole(t *testing.T, direct *grpc.ClientConn, character string) call {
	t.Helper()
	repeated := func(n int) call {
		return call{Name: "at the budget with " + character, Code: sizesCode, Message: strings.Repeat(character, n)}
	}
	const tooMany = 20_000
	shortestTruncated := sort.Search(tooMany+1, func(n int) bool {
		_, err := ask(t, direct, repeated(n))
		return truncatedParts(err) != ""
	})
	if shortestTruncated > tooMany {
		t.Fatalf("the status of a message of %d times %q is not truncated; want it truncated to %d bytes, with a key \"truncated\" in the metadata", tooMany, character, budget)
	}
	return repeated(shortestTruncated - 1)
}

// sizesCode is the code of all calls that test sizes.
const sizesCode = "RecordNotFound"

// truncatedParts names what the server removed from an error's status. It is empty if the
// server removed nothing.
func truncatedParts(err error) string {
	return status.Convert(err).Metadata()["truncated"]
}

// everySize returns calls at the budget and above it, each with the answer that a
// caller without a proxy gets.
func everySize(t *testing.T, address string) []exchange {
	t.Helper()
	direct, err := connect(t, t.Context(), address)
	if err != nil {
		t.Fatalf("connecting to the quickstart without a proxy: %v", err)
	}
	var all []exchange
	for _, s := range sizes(t, direct) {
		s.call.Code = sizesCode
		for _, c := range s.call.inAllWays() {
			messages, err := ask(t, direct, c)
			checkSize(t, size{c, s.truncated}, err)
			all = append(all, exchange{c, answerOf(messages, err)})
		}
	}
	return all
}

// checkSize checks an answer without a proxy. The tests of proxies and clients only
// compare their answers with it.
func checkSize(t *testing.T, s size, err error) {
	t.Helper()
	st, ok := status.FromError(err)
	if !ok || st.Reason() != "RECORD_NOT_FOUND" {
		t.Errorf("%s without a proxy: %v with reason %q; want %s", s.call, err, st.Reason(), sizesCode)
	}
	if w := weight(grpcstatus.Convert(err).Proto()); w > budget {
		t.Errorf("%s without a proxy: the status adds %d bytes to the header list; want %d at most", s.call, w, budget)
	} else if w <= budget-16 && !s.truncated { // 16 is more than a Chinese character adds
		t.Errorf("%s without a proxy: the status adds %d bytes to the header list; want a size within 16 bytes of %d", s.call, w, budget)
	}
	switch {
	case s.truncated && truncatedParts(err) == "":
		t.Errorf("%s without a proxy: metadata %q; want a key \"truncated\" in it", s.call, st.Metadata())
	case !s.truncated && (st.Message() != s.call.Message || !maps.Equal(st.Metadata(), s.call.Metadata)):
		t.Errorf("%s without a proxy: message %q with metadata %q; want both unchanged", s.call, st.Message(), st.Metadata())
	}
}
