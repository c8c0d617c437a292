package status_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"

	spb "google.golang.org/genproto/googleapis/rpc/status"
	grpccodes "google.golang.org/grpc/codes"
	grpcstatus "google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/errstatus/errstatus/codes"
	"github.com/errstatus/errstatus/internal/errorinfo"
	"github.com/errstatus/errstatus/internal/race"
	"github.com/errstatus/errstatus/internal/testrpc"
	"github.com/errstatus/errstatus/status"
)

// The tests in this file forward statuses of the largest size that gRPC's clients accept
// by default: 16 MiB of header list, in base64. What is sent has 4 KiB.

// hugeSize is about the size of the largest status.
const hugeSize = 12 << 20

// A hugeStatus is a status of about size bytes that an upstream sends.
type hugeStatus struct {
	name string
	make func(size int) *spb.Status
}

var hugeStatuses = []hugeStatus{
	{"one value", func(size int) *spb.Status {
		return carrying(appendHugePair(nil, "key", strings.Repeat("v", size)))
	}},
	{"one value of Chinese", func(size int) *spb.Status {
		return carrying(appendHugePair(nil, "key", strings.Repeat("中", size/3)))
	}},
	{"keys in random order", func(size int) *spb.Status { return hugeKeys(rand.New(rand.NewPCG(3, 4)).Perm(size / 15)) }},
	{"keys in ascending order", func(size int) *spb.Status { return hugeKeys(upTo(size / 15)) }},
	{"keys in descending order", func(size int) *spb.Status {
		order := upTo(size / 15)
		slices.Reverse(order)
		return hugeKeys(order)
	}},
	{"one key again and again", func(size int) *spb.Status { return hugeKeys(make([]int, size/15)) }},
	{"values of 1 KiB", func(size int) *spb.Status {
		var info []byte
		for i := range size / 1100 {
			info = appendHugePair(info, fmt.Sprintf("key%07d", i), strings.Repeat("v", 1024))
		}
		return carrying(info)
	}},
	{"forbidden keys", func(size int) *spb.Status {
		var info []byte
		for i := range size / 16 {
			info = appendHugePair(info, fmt.Sprintf("Key%07d", i), "")
		}
		return carrying(info)
	}},
	{"empty pairs", func(size int) *spb.Status { return carrying(slices.Repeat([]byte{0x1a, 0}, size/2)) }},
	{"unknown fields", func(size int) *spb.Status {
		return carrying(slices.Repeat([]byte{0xf8, 0x07, 1}, size/3))
	}},
	{"pairs of many fields", func(size int) *spb.Status {
		return carrying(slices.Repeat(protowire.AppendBytes(protowire.AppendTag(nil, 3, protowire.BytesType), slices.Repeat([]byte{0x1a, 0}, 16)), size/34))
	}},
	{"a refused pair of more fields", func(size int) *spb.Status {
		return carrying(protowire.AppendBytes(protowire.AppendTag(nil, 3, protowire.BytesType), slices.Repeat([]byte{0x1a, 0}, size/2)))
	}},
	{"a refused group", func(size int) *spb.Status {
		return carrying(slices.Concat([]byte{0x23}, slices.Repeat([]byte{0x28, 1}, size/2), []byte{0x24}))
	}},
	{"one unknown field", func(size int) *spb.Status {
		return carrying(protowire.AppendBytes(protowire.AppendTag(nil, 99, protowire.BytesType), make([]byte, size)))
	}},
	{"a message", func(size int) *spb.Status {
		p := carrying(nil)
		p.Message = strings.Repeat("m", size)
		return p
	}},
	{"a message of Chinese", func(size int) *spb.Status {
		p := carrying(nil)
		p.Message = strings.Repeat("中", size/3)
		return p
	}},
	{"a BadRequest", func(size int) *spb.Status {
		p := carrying(nil)
		packed, _ := anypb.New(testrpc.Violations(size / 40))
		p.Details = append(p.Details, packed)
		return p
	}},
	{"details of one type", func(size int) *spb.Status { return hugeDetails(size, func(int) string { return "x/a.B" }) }},
	{"details", func(size int) *spb.Status {
		return hugeDetails(size, func(i int) string { return fmt.Sprintf("x/a.B%d", i) })
	}},
	{"ErrorInfos of another domain", func(size int) *spb.Status {
		p := &spb.Status{Code: int32(grpccodes.NotFound), Message: "m"}
		one := &anypb.Any{TypeUrl: errorinfo.TypeURL, Value: errorinfo.Append(nil, "NO_BUCKET", "storage.example", "7", nil)}
		for range size / 90 {
			p.Details = append(p.Details, one)
		}
		p.Details = append(p.Details, carrying(nil).Details...)
		return p
	}},
	{"metadata of another domain", func(size int) *spb.Status {
		p := hugeKeys(rand.New(rand.NewPCG(3, 4)).Perm(size / 15))
		p.Details[0].Value = append(errorinfo.Append(nil, "NO_BUCKET", "storage.example", "", nil), p.Details[0].Value[len(carrying(nil).Details[0].Value):]...)
		return p
	}},
}

func upTo(n int) (all []int) {
	for i := range n {
		all = append(all, i)
	}
	return all
}

// carrying returns a status with RecordNotFound's ErrorInfo, followed by the given bytes.
func carrying(rest []byte) *spb.Status {
	info := append(errorinfo.Append(nil, "RECORD_NOT_FOUND", "openim.io", "1004", nil), rest...)
	return &spb.Status{
		Code: int32(grpccodes.NotFound), Message: "m",
		Details: []*anypb.Any{{TypeUrl: errorinfo.TypeURL, Value: info}},
	}
}

func appendHugePair(b []byte, key, value string) []byte {
	entry := protowire.AppendString(protowire.AppendTag(nil, 1, protowire.BytesType), key)
	entry = protowire.AppendString(protowire.AppendTag(entry, 2, protowire.BytesType), value)
	return protowire.AppendBytes(protowire.AppendTag(b, 3, protowire.BytesType), entry)
}

func hugeKeys(numbers []int) *spb.Status {
	var info []byte
	for _, number := range numbers {
		info = appendHugePair(info, fmt.Sprintf("k%07d", number), "v")
	}
	return carrying(info)
}

func hugeDetails(size int, typeURL func(i int) string) *spb.Status {
	p := carrying(nil)
	for i := range size / 16 {
		p.Details = append(p.Details, &anypb.Any{TypeUrl: typeURL(i)})
	}
	return p
}

// A hugeServer forwards what it receives. Its handler returns what handler returns for the
// received error or, without one, that error.
type hugeServer struct {
	name    string
	encoder status.Encoder
	decoder status.Decoder
	handler func(error) error
}

var hugeServers = []hugeServer{
	{name: "forward"},
	{name: "restate", handler: func(err error) error { return status.Convert(err).WithMessage("calling billing").Wrap(err) }},
	{name: "metadata", handler: func(err error) error { return status.Convert(err).WithMetadata("user", "42").Err() }},
	{name: "amend", encoder: status.Encoder{Amendments: []func(context.Context, *status.Status) *status.Status{
		func(_ context.Context, st *status.Status) *status.Status { return st.WithMetadata("zone", "b") },
	}}},
	{name: "request id", encoder: status.Encoder{RequestID: func(context.Context) string { return "4bf92f35" }}},
	{name: "numeric form", encoder: status.Encoder{OpenIMForm: true}},
	{name: "debug info", encoder: status.Encoder{DebugInfo: true}},
	{name: "trust all", decoder: status.Decoder{Trust: status.TrustAll}},
}

// forward returns what a server sends for a received error.
func (s *hugeServer) forward(received error) status.Encoded {
	err := s.decoder.Decode(context.Background(), received)
	if s.handler != nil {
		err = s.handler(err)
	}
	return s.encoder.Encode(context.Background(), err)
}

// BenchmarkForwardHuge measures the work of errstatus in a server that forwards a status,
// beside gRPC's own work for the same status, which is to read and to write its bytes.
func BenchmarkForwardHuge(b *testing.B) {
	for _, huge := range hugeStatuses {
		p := huge.make(hugeSize)
		raw, err := proto.Marshal(p)
		if err != nil {
			b.Fatal(err)
		}
		b.Run("status="+huge.name+"/server=any/way=grpc", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				benchBytes = readAndWrite(b, raw)
			}
		})
		received := grpcstatus.FromProto(p).Err()
		for _, server := range hugeServers {
			b.Run("status="+huge.name+"/server="+server.name+"/way=errstatus", func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					benchErr = server.forward(received).Err()
				}
			})
		}
	}
}

var benchBytes []byte

// readAndWrite does what gRPC does if a server forwards a status: it reads the status's
// bytes, and writes them.
func readAndWrite(t testing.TB, raw []byte) []byte {
	p := &spb.Status{}
	if err := proto.Unmarshal(raw, p); err != nil {
		t.Fatal(err)
	}
	raw, err := proto.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// allocated returns how many bytes f allocates.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// TestForwardingTakesLittleMemory checks that a server that forwards a huge status
// allocates at most 1.5 times what gRPC does: a copy of what was received, and little more.
// Amendments read the details before any are dropped, which takes another copy: then it is
// at most 3 times.
func TestForwardingTakesLittleMemory(t *testing.T) {
	if race.Enabled {
		t.Skip("the race detector allocates")
	}
	for _, huge := range hugeStatuses {
		p := huge.make(1 << 20)
		raw, err := proto.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		received := grpcstatus.FromProto(p).Err()
		grpc := allocated(func() { readAndWrite(t, raw) })
		for _, server := range hugeServers {
			var sent status.Encoded
			most := grpc + grpc/2
			if server.encoder.Amendments != nil {
				most = 3 * grpc
			}
			if got := allocated(func() { sent = server.forward(received) }); got > most {
				t.Errorf("%s, %s: %d bytes allocated; want at most %d, because gRPC itself allocates %d", huge.name, server.name, got, most, grpc)
			}
			if sent.Size() > status.DefaultMaxSize || sent.Code() != codes.RecordNotFound && server.name == "forward" && !strings.Contains(huge.name, "another domain") && !strings.Contains(huge.name, "refused") {
				t.Errorf("%s, %s: %d bytes with code %v; want at most 4096, with the received code", huge.name, server.name, sent.Size(), sent.Code())
			}
		}
	}
}

// TestWithMetadataIsLinear checks that each WithMetadata costs the same, also with keys that
// are repeated or that can't be sent.
func TestWithMetadataIsLinear(t *testing.T) {
	if race.Enabled {
		t.Skip("the race detector allocates")
	}
	for name, key := range map[string]string{"new keys": "key%d", "forbidden keys": "Key%d", "one key": "key%.0s", "one forbidden key": "Key%.0s"} {
		cost := func(n int) uint64 {
			return allocated(func() {
				st := status.New(codes.Args, "x")
				for i := range n {
					st = st.WithMetadata(fmt.Sprintf(key, i), "value")
				}
				if got := len(st.Metadata()); strings.HasPrefix(name, "one") && got > 1 || name == "new keys" && got != n {
					t.Errorf("%s: Metadata() has %d pairs after %d calls", name, got, n)
				}
			})
		}
		if few, many := cost(1000), cost(10_000); many > 15*few {
			t.Errorf("%s: %d bytes for 1,000 calls, and %d for 10,000; want about ten times as many", name, few, many)
		}
	}
}

// TestRepeatedKeyIsForgotten checks that a Status whose metadata is set again and again doesn't
// grow.
func TestRepeatedKeyIsForgotten(t *testing.T) {
	if race.Enabled {
		t.Skip("the race detector allocates")
	}
	st := status.New(codes.Args, "x")
	for i := range 100_000 {
		st = st.WithMetadata("attempt", strconv.Itoa(i)).WithMetadata("user", "42")
	}
	var metadata map[string]string
	if got := allocated(func() { metadata = st.Metadata() }); got > 10_000 || metadata["attempt"] != "99999" || metadata["user"] != "42" || len(metadata) != 2 {
		t.Errorf("Metadata() = %v, and allocates %d bytes; want attempt 99999, user 42, at most 10000 bytes", metadata, got)
	}
}

// TestReportsFewDroppedKeys checks that a Status without a code reports at most 64 of its keys.
func TestReportsFewDroppedKeys(t *testing.T) {
	st := status.FromGRPC(grpcstatus.New(grpccodes.NotFound, "x")).WithMetadata("Bad", "1")
	for i := range 100 {
		st = st.WithMetadata(fmt.Sprintf("key%02d", i), "v")
	}
	keys := new(status.Encoder).Encode(t.Context(), st.Err()).DroppedKeys()
	if len(keys) != 64 || keys[0] != "Bad" || keys[63] != "key62" || !slices.IsSorted(keys) {
		t.Errorf("DroppedKeys() = %q; want 64: Bad and the first keys", keys)
	}
}
