package status_test

import (
	"bytes"
	"testing"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/protobuf/proto"

	"github.com/errstatus/errstatus/internal/testrpc"
	"github.com/errstatus/errstatus/status"
)

// FuzzWithoutLocalizedTexts compares the removal of localized messages from the bytes of a
// BadRequest with protobuf. A peer can send any bytes.
func FuzzWithoutLocalizedTexts(f *testing.F) {
	localized := testrpc.Violations(20)
	for i, v := range localized.FieldViolations[:15] {
		v.Reason = "STRING_EMAIL"
		v.LocalizedMessage = &errdetails.LocalizedMessage{Locale: "de", Message: string(bytes.Repeat([]byte("ü"), 10*i))}
	}
	for _, br := range []*errdetails.BadRequest{{}, badRequest("name"), localized} {
		b, err := proto.Marshal(br)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b, 4096)
		f.Add(b, 100)
		f.Add(b[:len(b)/2], 4096)
		f.Add(append(b, 0x12, 0x01, 'x', 0x08, 0x05), 4096) // unknown fields, and one of another type
	}
	f.Fuzz(func(t *testing.T, b []byte, limit int) {
		limit = min(max(limit, 0), 1<<20)
		got := status.WithoutLocalizedTexts(b, limit)
		if len(got) > len(b) {
			t.Fatalf("%d bytes became %d; want no more", len(b), len(got))
		}
		want, read := &errdetails.BadRequest{}, &errdetails.BadRequest{}
		if proto.Unmarshal(b, want) != nil {
			return
		}
		if err := proto.Unmarshal(got, read); err != nil {
			t.Fatalf("the result can't be read: %v", err)
		}
		for _, v := range want.FieldViolations {
			v.LocalizedMessage = nil
		}
		if len(got) > limit { // the last violations may be missing
			want.FieldViolations = want.FieldViolations[:len(read.FieldViolations)]
			want.ProtoReflect().SetUnknown(read.ProtoReflect().GetUnknown())
		}
		if !proto.Equal(want, read) {
			t.Errorf("the result is\n%v\nwant\n%v", read, want)
		}
	})
}
