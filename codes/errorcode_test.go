package codes_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/constant"
	"go/parser"
	"go/token"
	"log/slog"
	"math"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/genproto/googleapis/rpc/code"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	grpccodes "google.golang.org/grpc/codes"
	grpcstatus "google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/errstatus/errstatus/codes"
)

// unknownCode has no row.
const unknownCode = codes.ErrorCode(1305)

// Each constant has the number of the golden file. The rows alone wouldn't show a wrong
// one.
func TestConstantsMatchTheGoldenFile(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "error_errstatus.pb.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]int64{}
	for _, decl := range file.Decls {
		group, ok := decl.(*ast.GenDecl)
		if !ok || group.Tok != token.CONST {
			continue
		}
		for _, spec := range group.Specs {
			value := spec.(*ast.ValueSpec)
			if typ, ok := value.Type.(*ast.Ident); !ok || typ.Name != "ErrorCode" {
				t.Errorf("the constant %s has another type; want ErrorCode", value.Names[0].Name)
			}
			literal := value.Values[0].(*ast.BasicLit)
			number, _ := constant.Int64Val(constant.MakeFromLiteral(literal.Value, literal.Kind, 0))
			got[value.Names[0].Name] = number
		}
	}
	want := map[string]int64{}
	for _, row := range golden(t) {
		want[row.name] = int64(row.code)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the constants of error_errstatus.pb.go (-want +got):\n%s", diff)
	}
}

// No constant has the name of a canonical code, so code that imports gRPC's package codes
// by mistake doesn't compile.
func TestNoConstantIsNamedLikeAGRPCCode(t *testing.T) {
	for c := grpccodes.OK; c <= grpccodes.Unauthenticated; c++ {
		for _, row := range golden(t) {
			if row.name == c.String() {
				t.Errorf("the constant %s has the name of gRPC's code %d; want another name", row.name, c)
			}
		}
	}
}

func TestErrorCodeTexts(t *testing.T) {
	for _, row := range golden(t) {
		if got, want := row.code.Error(), row.name+": "+row.message; got != want {
			t.Errorf("%s.Error() = %q; want %q", row.name, got, want)
		}
		checkTexts(t, row.code, row.name, row.reason)
	}
	if got, want := codes.RecordNotFound.Error(), "RecordNotFound: record not found"; got != want {
		t.Errorf("RecordNotFound.Error() = %q; want %q", got, want)
	}
}

func TestErrorCodeWithoutARow(t *testing.T) {
	for _, number := range []int32{1305, math.MaxInt32, -3} {
		name := fmt.Sprintf("ErrorCode(%d)", number)
		code := codes.ErrorCode(number)
		if got, want := code.Error(), name+": unknown error"; got != want {
			t.Errorf("%s.Error() = %q; want %q", name, got, want)
		}
		checkTexts(t, code, name, fmt.Sprintf("ERROR_CODE_%d", number))
	}
}

func checkTexts(t *testing.T, code codes.ErrorCode, name, reason string) {
	t.Helper()
	if got := code.String(); got != name {
		t.Errorf("ErrorCode(%d).String() = %q; want %q", int32(code), got, name)
	}
	if got := code.Reason(); got != reason {
		t.Errorf("%s.Reason() = %q; want %q", name, got, reason)
	}
	if got := code.Number(); got != codes.Number(code) {
		t.Errorf("%s.Number() = %d; want %d", name, got, int32(code))
	}
	if code.Table() != codes.Default() {
		t.Errorf("%s.Table() = %p; want Default(), %p", name, code.Table(), codes.Default())
	}
}

func TestGRPCStatusIdentifiesTheCode(t *testing.T) {
	for _, row := range golden(t)[1:] {
		checkStatus(t, row.code.GRPCStatus(), row)
	}
	for _, number := range []int32{1305, 1, math.MaxInt32} {
		checkStatus(t, codes.ErrorCode(number).GRPCStatus(), goldenRow{
			code: codes.ErrorCode(number), name: fmt.Sprintf("ErrorCode(%d)", number), reason: fmt.Sprintf("ERROR_CODE_%d", number),
			grpcCode: grpccodes.Unknown, message: "unknown error",
		})
	}
}

func checkStatus(t *testing.T, st *grpcstatus.Status, want goldenRow) {
	t.Helper()
	if st.Code() != want.grpcCode || st.Message() != want.message {
		t.Errorf("%s.GRPCStatus() = %v, %q; want %v, %q", want.name, st.Code(), st.Message(), want.grpcCode, want.message)
	}
	checkErrorInfo(t, st, &errdetails.ErrorInfo{
		Reason: want.reason, Domain: "openim.io", Metadata: map[string]string{"code": strconv.Itoa(int(want.code))}})
}

// checkErrorInfo checks that a status has one detail, want.
func checkErrorInfo(t *testing.T, st *grpcstatus.Status, want *errdetails.ErrorInfo) {
	t.Helper()
	if diff := cmp.Diff([]any{want}, st.Details(), protocmp.Transform()); diff != "" {
		t.Errorf("the details of the status with reason %s (-want +got):\n%s", want.Reason, diff)
	}
}

func TestGRPCStatusOfNoErrorIsNil(t *testing.T) {
	if got := codes.NoError.GRPCStatus(); got != nil {
		t.Errorf("NoError.GRPCStatus() = %v; want nil", got)
	}
}

// A negative number can't be sent. It is a fault of the server, so it has the INTERNAL
// default's status.
func TestGRPCStatusOfANegativeNumberIsTheInternalDefault(t *testing.T) {
	for _, number := range []int32{-1, -3, math.MinInt32} {
		checkStatus(t, codes.ErrorCode(number).GRPCStatus(), goldenRow{
			code: codes.ServerInternal, name: fmt.Sprintf("ErrorCode(%d)", number), reason: "SERVER_INTERNAL",
			grpcCode: grpccodes.Internal, message: "internal server error",
		})
	}
}

// GRPCStatus returns the same bytes each time, because HPACK compression, caches and tests
// compare bytes.
func TestGRPCStatusHasTheSameBytesEachTime(t *testing.T) {
	const record = "\x0a\x10RECORD_NOT_FOUND\x12\x09openim.io\x1a\x0c\x0a\x04code\x12\x041004"
	if got := codes.RecordNotFound.GRPCStatus().Proto().Details[0]; string(got.Value) != record || got.TypeUrl != "type.googleapis.com/google.rpc.ErrorInfo" {
		t.Errorf("RecordNotFound's detail is %q, %q; want google.rpc.ErrorInfo, %q", got.TypeUrl, got.Value, record)
	}
	all := []codes.ErrorCode{unknownCode, math.MaxInt32, -3}
	for _, row := range golden(t) {
		all = append(all, row.code)
	}
	for _, code := range all {
		first := marshal(t, code)
		for range 20 {
			if again := marshal(t, code); !bytes.Equal(again, first) {
				t.Errorf("%v.GRPCStatus() has the bytes %q, then %q; want the same", code, first, again)
				break
			}
		}
	}
}

func marshal(t *testing.T, code codes.ErrorCode) []byte {
	t.Helper()
	b, err := proto.Marshal(code.GRPCStatus().Proto())
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// Changing the proto of a status doesn't change the status, which all callers share.
func TestChangingTheProtoOfAGRPCStatus(t *testing.T) {
	st := codes.RecordNotFound.GRPCStatus().Proto()
	st.Code, st.Message = 13, "changed"
	clear(st.Details[0].Value)
	checkStatus(t, codes.RecordNotFound.GRPCStatus(), goldenRow{
		code: 1004, name: "RecordNotFound", reason: "RECORD_NOT_FOUND", grpcCode: grpccodes.NotFound, message: "record not found"})
}

// text keeps a result, so that the compiler doesn't put it on the stack.
var text string

func TestAllocations(t *testing.T) {
	codes.RecordNotFound.GRPCStatus() // the first call builds the status
	for _, tt := range []struct {
		name string
		run  func()
		want float64
	}{
		{"String", func() { text = codes.RecordNotFound.String() }, 0},
		{"Reason", func() { text = codes.RecordNotFound.Reason() }, 0},
		{"Error", func() { text = codes.RecordNotFound.Error() }, 1}, // the text
		{"GRPCStatus", func() { codes.RecordNotFound.GRPCStatus() }, 0},
		{"Lookup", func() { codes.Default().Lookup(1004) }, 0},
		{"ByReason", func() { codes.Default().ByReason("RECORD_NOT_FOUND") }, 0},
		{"All", func() {
			for range codes.Default().All() {
			}
		}, 0},
	} {
		if got := testing.AllocsPerRun(100, tt.run); got > tt.want {
			t.Errorf("%s allocates %v times; want %v", tt.name, got, tt.want)
		}
	}
}

func TestLogValueIsAGroup(t *testing.T) {
	for _, row := range append(golden(t), goldenRow{
		code: unknownCode, name: "ErrorCode(1305)", reason: "ERROR_CODE_1305", grpcCode: grpccodes.Unknown, message: "unknown error"}) {
		var b bytes.Buffer
		slog.New(slog.NewJSONHandler(&b, nil)).Info("failed", "err", row.code)
		var got struct{ Err map[string]any }
		if err := json.Unmarshal(b.Bytes(), &got); err != nil {
			t.Fatalf("the log record of %s is %s (%v); want JSON", row.name, b.Bytes(), err)
		}
		want := map[string]any{
			"name":      row.name,
			"number":    float64(row.code),
			"reason":    row.reason,
			"grpc_code": code.Code(row.grpcCode).String(),
			"message":   row.message,
		}
		if diff := cmp.Diff(want, got.Err); diff != "" {
			t.Errorf("%s in a log record (-want +got):\n%s", row.name, diff)
		}
	}
}

// namesByCode returns the names of all codes in the golden file, and of some
// without a row.
func namesByCode(t *testing.T) map[codes.ErrorCode]string {
	all := map[codes.ErrorCode]string{
		unknownCode: "ErrorCode(1305)", math.MaxInt32: "ErrorCode(2147483647)", -3: "ErrorCode(-3)", math.MinInt32: "ErrorCode(-2147483648)",
	}
	for _, row := range golden(t) {
		all[row.code] = row.name
	}
	return all
}

func TestTextRoundTrip(t *testing.T) {
	for code, name := range namesByCode(t) {
		text, err := code.MarshalText()
		if err != nil || string(text) != name {
			t.Errorf("%s.MarshalText() = %q, %v; want %q, nil", name, text, err, name)
		}
		got := codes.ErrorCode(-1)
		if err := got.UnmarshalText(text); err != nil || got != code {
			t.Errorf("UnmarshalText(%q) set %v, %v; want %v, nil", text, got, err, code)
		}
	}
}

func TestJSONRoundTripAsValueAndKey(t *testing.T) {
	type document struct {
		Code   codes.ErrorCode
		Counts map[codes.ErrorCode]int
	}
	for code, name := range namesByCode(t) {
		want := document{code, map[codes.ErrorCode]int{code: 2}}
		b, err := json.Marshal(want)
		if text := fmt.Sprintf(`{"Code":%q,"Counts":{%q:2}}`, name, name); err != nil || string(b) != text {
			t.Errorf("json.Marshal of %s = %s, %v; want %s, nil", name, b, err, text)
		}
		var got document
		if err := json.Unmarshal(b, &got); err != nil {
			t.Errorf("json.Unmarshal(%s) = %v; want nil", b, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s after a round trip through JSON (-want +got):\n%s", name, diff)
		}
	}
}

func TestParse(t *testing.T) {
	for _, row := range golden(t) {
		number := strconv.Itoa(int(row.code))
		for _, text := range []string{row.name, row.reason, number, "ErrorCode(" + number + ")"} {
			if got, err := codes.Default().Parse(text); err != nil || got != row.code {
				t.Errorf("Parse(%q) = %v, %v; want %s, nil", text, got, err, row.name)
			}
		}
	}
	for text, want := range map[string]codes.ErrorCode{
		"1305":                   1305,
		"ErrorCode(1305)":        1305,
		"ERROR_CODE_1305":        1305,
		"-3":                     -3,
		"ErrorCode(-3)":          -3,
		"2147483647":             math.MaxInt32,
		"ErrorCode(-2147483648)": math.MinInt32,
	} {
		if got, err := codes.Default().Parse(text); err != nil || got != want {
			t.Errorf("Parse(%q) = %v, %v; want %v, nil", text, got, err, want)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for _, text := range []string{
		"", " ", "recordnotfound", "RecordNotFound ", "record_not_found", "RecordNotFound: record not found",
		"99999999999", "2147483648", "-2147483649", "0x3ec", "1_004", "10.0", "1004 ", "+1004", "01004", "-0", "NaN",
		"ErrorCode", "ErrorCode(", "ErrorCode()", "ErrorCode(x)", "ErrorCode(99999999999)", "ErrorCode(1305", "ErrorCode1305)",
		"errorcode(1305)", "orderCode(1305)", "ErrorCode(ErrorCode(1305))", "ErrorCode(RecordNotFound)", "(1305)", "\xff",
	} {
		got, err := codes.Default().Parse(text)
		if err == nil {
			t.Errorf("Parse(%q) = %v; want an error", text, got)
			continue
		}
		// The error quotes the text and gives examples.
		for _, want := range []string{strconv.Quote(text), "ErrorCode", "ServerInternal", "SERVER_INTERNAL", "number"} {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("Parse(%q) returned the error %q; want it to contain %s", text, err, want)
			}
		}
		if got != nil {
			t.Errorf("Parse(%q) = %v with an error; want nil", text, got)
		}
		kept := codes.Args
		if err := kept.UnmarshalText([]byte(text)); err == nil || kept != codes.Args {
			t.Errorf("UnmarshalText(%q) returned the error %v and left %v; want an error and the old value", text, err, kept)
		}
	}
}

// Interceptors of other packages read the canonical code from a code, without errstatus's
// interceptors.
func TestGRPCReadsACode(t *testing.T) {
	for _, row := range golden(t)[1:] {
		wrapped := fmt.Errorf("loading: %w", row.code)
		for _, err := range []error{row.code, wrapped, fmt.Errorf("again: %w", wrapped)} {
			if got := grpcstatus.Code(err); got != row.grpcCode {
				t.Errorf("gRPC's status.Code(%q) = %v; want %v", err, got, row.grpcCode)
			}
			st, ok := grpcstatus.FromError(err)
			if !ok || len(st.Details()) != 1 {
				t.Errorf("gRPC's status.FromError(%q) returned %t and %d details; want true and 1", err, ok, len(st.Details()))
			}
		}
		checkStatus(t, grpcstatus.Convert(row.code), row)
	}
}

func TestErrorsIsAndAsFindACode(t *testing.T) {
	for _, row := range golden(t) {
		for _, err := range []error{row.code, fmt.Errorf("loading: %w", row.code), errors.Join(errors.New("other"), row.code)} {
			if !errors.Is(err, row.code) {
				t.Errorf("errors.Is(%q, %s) = false; want true", err, row.name)
			}
			if errors.Is(err, unknownCode) {
				t.Errorf("errors.Is(%q, %v) = true; want false", err, unknownCode)
			}
			if got, ok := errors.AsType[codes.ErrorCode](err); !ok || got != row.code {
				t.Errorf("errors.AsType[ErrorCode](%q) = %v, %t; want %s, true", err, got, ok, row.name)
			}
			if got, ok := errors.AsType[codes.Code](err); !ok || got != row.code {
				t.Errorf("errors.AsType[Code](%q) = %v, %t; want %s, true", err, got, ok, row.name)
			}
		}
		if err := error(row.code); err != row.code || err == unknownCode {
			t.Errorf("%s as an error is not equal to itself, or is equal to %v; want == to compare numbers", row.name, unknownCode)
		}
	}
}

// FuzzParse checks that a text is refused with an error that quotes it, or is parsed as a
// code whose own text is parsed as the same code.
func FuzzParse(f *testing.F) {
	for _, row := range golden(f) {
		f.Add(row.name)
		f.Add(row.reason)
		f.Add(strconv.Itoa(int(row.code)))
	}
	for _, text := range []string{"", "ErrorCode(1305)", "ErrorCode()", "ErrorCode(-3)", "99999999999", "+1", "\xff"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var code codes.ErrorCode
		if err := code.UnmarshalText([]byte(text)); err != nil {
			if !strings.Contains(err.Error(), strconv.Quote(text)) {
				t.Errorf("UnmarshalText(%q) returned the error %q; want it to quote the text", text, err)
			}
			return
		}
		again, err := code.MarshalText()
		if err != nil {
			t.Fatalf("%v.MarshalText() = %v; want no error", code, err)
		}
		if got, err := codes.Default().Parse(string(again)); err != nil || got != code {
			t.Errorf("%q parses as %v, whose text %q parses as %v, %v; want %v, nil", text, code, again, got, err, code)
		}
	})
}
