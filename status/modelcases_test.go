package status_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	grpccodes "google.golang.org/grpc/codes"
	grpcstatus "google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/errstatus/errstatus/codes"
	"github.com/errstatus/errstatus/status"
)

// This file makes the cases of [TestModel]: random specs, the errors that they describe, and
// what Encode makes of them.

func (c *modelCase) got() verdict {
	ctx, cancel := c.context()
	defer cancel()
	e := c.server
	for _, name := range c.rules {
		e.Rules = append(e.Rules, modelRules[name])
	}
	encoded := e.Encode(ctx, c.err.build())
	v := verdict{source: encoded.Source(), otherwise: encoded.Otherwise(), code: encoded.Code(), canonical: encoded.GRPCCode(),
		sent: encoded.Status().Code(), message: encoded.Status().Message(), pushback: encoded.Trailer() != nil, withheld: encoded.Withheld()}
	var types []string
	for _, d := range encoded.Status().Proto().GetDetails() {
		types = append(types, string(d.MessageName()))
	}
	first := 0
	if v.code != nil {
		first++
	}
	if v.sent > 16 {
		first++
	}
	slices.Sort(types[min(first, len(types)):])
	v.details = strings.Join(types, " ")
	if code, ok := status.Declared((&status.Decoder{Tables: e.Tables}).FromGRPC(encoded.Status()).Err()); ok {
		v.decoded = code
	}
	return v
}

// A lateContext has a deadline that has passed, but was cancelled before its timer fired.
type lateContext struct{ context.Context }

func (lateContext) Deadline() (time.Time, bool) { return time.Unix(1, 0), true }

func (c *modelCase) context() (context.Context, context.CancelFunc) {
	cause := c.cause.build()
	if c.ctx == "deadline" {
		return context.WithDeadlineCause(context.Background(), time.Unix(1, 0), cause)
	}
	ctx, cancel := context.WithCancelCause(context.Background())
	if c.ctx != "alive" && c.ctx != "due" {
		cancel(cause)
	}
	if c.ctx == "late" || c.ctx == "due" {
		ctx = lateContext{ctx}
	}
	return ctx, func() { cancel(nil) }
}

var errTarget, errFunc = errors.New("target"), errors.New("func")

var receivedType = reflect.TypeOf(new(status.Decoder).Decode(context.Background(), grpcstatus.Error(grpccodes.Aborted, "")))

var modelRules = map[string]status.Rule{
	"target":   {Target: errTarget, Code: codes.Args},
	"eof":      {Target: io.EOF, Code: shopClosed},
	"canceled": {Target: context.Canceled, Code: codes.SrvCallback},
	"panics":   {Func: func(context.Context, error) *status.Status { panic("in a rule") }},
	"no error": {Func: func(context.Context, error) *status.Status { return status.New(codes.NoError, "") }},
	"func": {Func: func(_ context.Context, err error) *status.Status {
		if !errors.Is(err, errFunc) {
			return nil
		}
		return status.New(codes.DuplicateKey, "by a rule").WithDetails(badRequest("name")).WithRetryDelay(time.Second)
	}},
	"convert": {Func: func(_ context.Context, err error) *status.Status {
		if reflect.TypeOf(err) == receivedType {
			return status.Convert(err)
		}
		return nil
	}},
	"reword": {Func: func(_ context.Context, err error) *status.Status {
		if reflect.TypeOf(err) == receivedType {
			return status.Convert(err).WithMessage("reworded")
		}
		return nil
	}},
}

// modelDetails are the details that errors have.
var modelDetails = map[string]struct {
	name    string
	message proto.Message
}{
	"bad request":  {typeBadRequest, badRequest("name")},
	"help":         {typeHelp, &errdetails.Help{}},
	"debug":        {typeDebugInfo, &errdetails.DebugInfo{Detail: "stack"}},
	"retry":        {typeRetryInfo, &errdetails.RetryInfo{}},
	"foreign info": {typeErrorInfo, info("storage.example", "NO_BUCKET", "")},
	"openim":       {typeOpenIM, &anypb.Any{TypeUrl: "type.googleapis.com/" + typeOpenIM, Value: protowire.AppendString(protowire.AppendTag(nil, 4, protowire.BytesType), "text")}},
}

// A kioskCode has a table without default rows. So INTERNAL and UNKNOWN are fallbacks.
type kioskCode int32

const (
	kioskClosed   kioskCode = 1305 // has no row in the default table
	kioskInternal kioskCode = -13
	kioskUnknown  kioskCode = -2
)

func (c kioskCode) Error() string        { return codes.RowOf(c).Name + ": " + codes.RowOf(c).Message }
func (c kioskCode) Number() codes.Number { return codes.Number(c) }
func (c kioskCode) Table() *codes.Table  { return kioskTable() }

var (
	kioskTable = sync.OnceValue(func() *codes.Table {
		return codes.MustTable("kiosk.example", codes.Row{Code: kioskClosed, Reason: "KIOSK_CLOSED", FormerReasons: []string{"KIOSK_SHUT"}, GRPCCode: grpccodes.Unavailable})
	})
	kiosk = kioskTable()
)

// overridden is the default table with another canonical code and message for RecordNotFound.
var overridden = func() *codes.Table {
	row := codes.RowOf(codes.RecordNotFound)
	row.GRPCCode, row.Message, row.Default = grpccodes.Aborted, "overridden", false
	return codes.Default().MustWithRows(row)
}()

// These are the types of the errors. A method of a modelHostile panics if the error is of its kind.
type (
	modelWrap struct{ inner []error }
	modelIs   struct {
		modelWrap
		target error
	}
	modelGRPC struct {
		modelWrap
		st *grpcstatus.Status
	}
	modelHostile struct {
		modelWrap
		method string
	}
	modelTypedNil struct{}
	modelOpenIM   struct {
		openIMError
		modelWrap
	}
)

func (modelWrap) Error() string     { return "private text" }
func (w modelWrap) Unwrap() []error { return w.inner }

func (e modelIs) Is(target error) bool             { return target == e.target }
func (e modelGRPC) GRPCStatus() *grpcstatus.Status { return e.st }
func (*modelTypedNil) Error() string               { return "a typed nil" }
func (e *modelOpenIM) Error() string               { return "private text" }

func (e *modelHostile) fail(method string) {
	if e.method == method {
		panic("in " + method)
	}
}
func (e *modelHostile) Error() string   { e.fail("panicsInError"); return "private text" }
func (e *modelHostile) Unwrap() []error { e.fail("panicsInUnwrap"); return e.inner }
func (e *modelHostile) Is(error) bool   { e.fail("panicsInIs"); return false }
func (e *modelHostile) As(any) bool     { e.fail("panicsInAs"); return false }

type modelHostileGRPC struct{ modelHostile }

func (e *modelHostileGRPC) GRPCStatus() *grpcstatus.Status { e.fail("panicsInGRPCStatus"); return nil }

// build returns the error that s describes.
func (s *spec) build() error {
	if s == nil {
		return nil
	}
	var inner []error
	for _, i := range s.inner {
		inner = append(inner, i.build())
	}
	wrap := modelWrap{inner}
	switch s.kind {
	case "code":
		return s.code
	case "status":
		st := s.decorate(status.New(s.code, s.message))
		if inner != nil {
			return st.Wrap(inner[0])
		}
		return st.Err()
	case "params":
		return &modelParams{paramsError{code: s.code, params: []codes.Param{{Name: "shop", Value: s.message}}}, wrap}
	case "restated":
		st := s.decorate(status.Convert(inner[0]))
		if s.code != nil {
			st = st.WithCode(s.code)
		}
		if s.reworded {
			st = st.WithMessage(s.message)
		}
		if len(inner) > 1 {
			return st.Wrap(inner[1])
		}
		return st.Err()
	case "openim":
		return &modelOpenIM{openIMError{s.n, s.message, "detail"}, wrap}
	case "received":
		return s.client.Decode(context.Background(), s.status().Err())
	case "encoded":
		return encodeError(inner[0])
	case "grpc":
		if inner == nil && s.raw != grpccodes.OK {
			return s.status().Err()
		}
		return modelGRPC{wrap, s.status()}
	case "canceled":
		return context.Canceled
	case "deadline":
		return context.DeadlineExceeded
	case "isDeadline":
		return modelIs{wrap, context.DeadlineExceeded}
	case "target":
		return errTarget
	case "isTarget":
		return modelIs{wrap, errTarget}
	case "func":
		return errFunc
	case "eof":
		return io.EOF
	case "recovered":
		return status.Recovered("private text")
	case "typedNil":
		return (*modelTypedNil)(nil)
	case "typedNilPanics":
		return (*modelHostile)(nil)
	case "panicsInGRPCStatus":
		return &modelHostileGRPC{modelHostile{wrap, s.kind}}
	case "panicsInError", "panicsInIs", "panicsInAs", "panicsInUnwrap":
		return &modelHostile{wrap, s.kind}
	case "loop":
		return loop{}
	case "deep":
		return nested(inner[0], s.n)
	case "wide":
		plain := make([]error, s.n, s.n+1)
		for i := range plain {
			plain[i] = io.ErrUnexpectedEOF
		}
		if s.last {
			return errors.Join(append(plain, inner[0])...)
		}
		return errors.Join(slices.Insert(plain, 0, inner[0])...)
	case "wrap":
		return fmt.Errorf("private text: %w", inner[0])
	case "join":
		return errors.Join(inner...)
	case "multi":
		return modelWrap{append(inner, nil)}
	}
	return errors.New("private text")
}

// A modelParams is an error with parameters that wraps others.
type modelParams struct {
	paramsError
	modelWrap
}

func (e *modelParams) Error() string   { return "private text" }
func (e *modelParams) Unwrap() []error { return e.inner }

func (s *spec) decorate(st *status.Status) *status.Status {
	for _, d := range s.details {
		st = st.WithDetails(modelDetails[d].message)
	}
	if s.delay != 0 {
		st = st.WithRetryDelay(s.delay)
	}
	return st
}

func (s *spec) status() *grpcstatus.Status {
	p := grpcstatus.New(s.raw, s.message).Proto()
	add := func(m proto.Message) {
		packed, ok := m.(*anypb.Any)
		if !ok {
			packed, _ = anypb.New(m)
		}
		p.Details = append(p.Details, packed)
	}
	if s.info != nil {
		add(s.info)
	}
	for _, d := range s.details {
		add(modelDetails[d].message)
	}
	return grpcstatus.FromProto(p)
}

func pick[T any](r *rand.Rand, from ...T) T { return from[r.IntN(len(from))] }

func randomCase(r *rand.Rand) *modelCase {
	c := &modelCase{err: randomSpec(r, r.IntN(5)), ctx: pick(r, "alive", "alive", "alive", "due", "cancelled", "deadline", "late")}
	if c.ctx != "alive" && r.IntN(2) == 0 {
		c.cause = randomSpec(r, r.IntN(3))
	}
	if r.IntN(200) == 0 {
		c.err = nil
	}
	c.server.Tables = randomTables(r)
	for _, name := range []string{"panics", "func", "target", "no error", "eof", "canceled", "reword", "convert"} {
		if r.IntN(6) == 0 {
			c.rules = append(c.rules, name)
		}
	}
	r.Shuffle(len(c.rules), func(i, j int) { c.rules[i], c.rules[j] = c.rules[j], c.rules[i] })
	if r.IntN(4) == 0 {
		c.server.WithheldMessages = pick(r, []grpccodes.Code{grpccodes.Internal, grpccodes.Unknown}, []grpccodes.Code{grpccodes.NotFound, grpccodes.DataLoss, grpccodes.Canceled})
	}
	c.server.DebugInfo, c.server.RetryPushback, c.server.OpenIMForm = r.IntN(3) == 0, r.IntN(3) == 0, r.IntN(3) == 0
	c.server.OpenIMErrors = status.OpenIMErrorLevel(r.IntN(3))
	return c
}

func randomTables(r *rand.Rand) []*codes.Table {
	return pick(r, nil, nil, []*codes.Table{overridden}, []*codes.Table{shop}, []*codes.Table{shop, overridden}, []*codes.Table{overridden, shop},
		[]*codes.Table{kiosk}, []*codes.Table{kiosk, shop}, []*codes.Table{shop, kiosk})
}

func randomStated(r *rand.Rand) codes.Code {
	return pick[codes.Code](r, codes.RecordNotFound, codes.RecordNotFound, codes.Args, codes.SrvDatabase, codes.SdkCtxDeadlineExceeded,
		codes.SdkNetwork, codes.ErrorCode(1305), codes.ErrorCode(7), shopBroken, shopClosed, shopCode(77), codes.NoError, codes.ErrorCode(-5),
		kioskClosed, kioskInternal, kioskUnknown)
}

func randomDetails(r *rand.Rand, from ...string) (details []string) {
	if r.IntN(3) == 0 {
		for range 1 + r.IntN(3) {
			details = append(details, pick(r, from...))
		}
	}
	return details
}

// randomSpec returns a spec of at most depth levels.
func randomSpec(r *rand.Rand, depth int) *spec {
	s := &spec{message: pick(r, "a text", "a text", " spaces ", "")}
	if depth > 0 {
		s.kind = pick(r, "wrap", "wrap", "join", "join", "join", "multi", "status", "restated", "restated", "params", "openim", "grpc",
			"encoded", "isDeadline", "isTarget")
		if r.IntN(500) == 0 {
			s.kind = pick(r, "deep", "deep", "wide")
		}
		s.inner = append(s.inner, randomSpec(r, depth-1))
		if s.kind == "join" || s.kind == "multi" || s.kind == "restated" && r.IntN(2) == 0 {
			s.inner = append(s.inner, randomSpec(r, depth-1))
		}
	} else {
		s.kind = pick(r, "plain", "plain", "plain", "code", "status", "params", "openim", "received", "received", "received", "received", "received",
			"received", "grpc", "grpc", "grpc", "canceled", "deadline", "target", "func", "eof", "recovered", "typedNil", "loop")
	}
	if r.IntN(40) == 0 {
		s.kind = pick(r, "panicsInError", "panicsInIs", "panicsInAs", "panicsInUnwrap", "panicsInGRPCStatus")
		if s.inner == nil {
			s.kind = pick(r, s.kind, "typedNilPanics")
		}
	}
	switch s.kind {
	case "code":
		s.code = randomStated(r)
	case "params":
		s.code, s.message = pick[codes.Code](r, randomStated(r), shopClosed), pick(r, "a text", "{shop}", "")
	case "status":
		s.code = randomStated(r)
		if s.code == codes.NoError && s.inner == nil {
			s.code = codes.Args
		}
		s.message = pick(r, "", "a text", " spaces ", "  ")
		s.details, s.delay = randomDetails(r, "bad request", "help", "debug", "foreign info", "openim"), pick(r, 0, 0, 0, -time.Second, time.Second)
	case "restated":
		s.reworded, s.message = r.IntN(2) == 0, pick(r, "", "reworded", " reworded ")
		if r.IntN(3) == 0 {
			s.code = pick[codes.Code](r, codes.RecordNotFound, codes.SrvDatabase, codes.ErrorCode(1305), shopClosed, codes.ErrorCode(-5), kioskUnknown)
		}
		s.details, s.delay = randomDetails(r, "bad request", "help", "debug", "foreign info", "openim"), pick(r, 0, 0, 0, -time.Second, time.Second)
		if !s.reworded && s.code == nil && s.details == nil && s.delay == 0 {
			s.reworded = true
		}
	case "openim":
		s.n, s.message = pick(r, 1004, 1004, 500, 1305, 1, -1, 0), pick(r, "a text", "")
	case "grpc", "received":
		s.raw = pick(r, grpccodes.Code(1+r.IntN(16)), grpccodes.Code(1+r.IntN(16)), grpccodes.Unavailable, grpccodes.DeadlineExceeded, grpccodes.Canceled,
			grpccodes.Internal, grpccodes.NotFound, 1004, 1004, 1305, 10003, 90004, 1<<32-5)
		s.details = randomDetails(r, "bad request", "help", "debug", "retry", "openim")
		if s.kind == "grpc" && r.IntN(20) == 0 {
			s.raw = grpccodes.OK
		}
		if r.IntN(2) == 0 {
			s.info = info(pick(r, "openim.io", "openim.io", "shop.example", "storage.example", "kiosk.example"),
				pick(r, "", "lower case", "RECORD_NOT_FOUND", "RECORD_NOT_FOUND", "SHOP_CLOSED", "NEVER_HEARD", "ERROR_CODE_1305", "INTERNAL", "UNKNOWN", "KIOSK_CLOSED", "KIOSK_SHUT"),
				pick(r, "", "", "1004", "1305", "0", "-1", "-13", "x"))
		}
		s.client = status.Decoder{Tables: randomTables(r), Trust: status.Trust(r.IntN(3)), AssumeCodes: r.IntN(3) == 0, IgnoreOpenIMNumbers: r.IntN(4) == 0}
	case "deep":
		s.n = pick(r, 30, 59, 60, 61, 62, 63, 64, 65, 100)
	case "wide":
		s.n, s.last = pick(r, 900, 990, 996, 997, 998, 999, 1000, 1001, 2000), r.IntN(2) == 0
	}
	return s
}

// shrink returns a smaller case with a mismatch.
func (c *modelCase) shrink() *modelCase {
	for {
		smaller := false
		for _, try := range c.smaller() {
			if try.want() != try.got() {
				c, smaller = try, true
				break
			}
		}
		if !smaller {
			return c
		}
	}
}

// smaller returns copies of c with one thing less.
func (c *modelCase) smaller() (all []*modelCase) {
	try := func(change func(*modelCase)) {
		less := *c
		change(&less)
		all = append(all, &less)
	}
	for _, s := range c.err.smaller() {
		try(func(c *modelCase) { c.err = s })
	}
	if c.cause != nil {
		try(func(c *modelCase) { c.cause = nil })
		for _, s := range c.cause.smaller() {
			try(func(c *modelCase) { c.cause = s })
		}
	}
	if c.ctx != "alive" && c.cause == nil {
		try(func(c *modelCase) { c.ctx = "alive" })
	}
	for i := range c.rules {
		try(func(c *modelCase) { c.rules = slices.Delete(slices.Clone(c.rules), i, i+1) })
	}
	var zero status.Encoder
	for i, v := 0, reflect.ValueOf(&c.server).Elem(); i < v.NumField(); i++ {
		if !v.Field(i).IsZero() {
			try(func(c *modelCase) { reflect.ValueOf(&c.server).Elem().Field(i).Set(reflect.ValueOf(zero).Field(i)) })
		}
	}
	return all
}

func (s *spec) smaller() (all []*spec) {
	if s == nil {
		return nil
	}
	all = append(all, s.inner...)
	for i, inner := range s.inner {
		for _, less := range inner.smaller() {
			changed := *s
			changed.inner = slices.Clone(s.inner)
			changed.inner[i] = less
			all = append(all, &changed)
		}
	}
	if s.details != nil {
		changed := *s
		changed.details = nil
		if s.kind != "restated" || s.reworded || s.code != nil || s.delay != 0 {
			all = append(all, &changed)
		}
	}
	return all
}

func (c *modelCase) String() string {
	var tables []string
	for _, table := range c.server.Tables {
		tables = append(tables, table.Domain())
	}
	return fmt.Sprintf("Encode(%s, %v), cause %v, tables %v, rules %q, withheld %v, debug %v, pushback %v, form %v, %v",
		c.ctx, c.err, c.cause, tables, c.rules, c.server.WithheldMessages, c.server.DebugInfo, c.server.RetryPushback, c.server.OpenIMForm, c.server.OpenIMErrors)
}

func (s *spec) String() string {
	if s == nil {
		return "nil"
	}
	var args []string
	add := func(show bool, format string, a ...any) {
		if show {
			args = append(args, fmt.Sprintf(format, a...))
		}
	}
	for _, inner := range s.inner {
		add(true, "%v", inner)
	}
	add(s.code != nil, "%#v", s.code)
	add(s.reworded || slices.Contains([]string{"status", "params", "openim", "grpc", "received"}, s.kind), "%q", s.message)
	add(s.n != 0, "n=%d last=%v", s.n, s.last)
	add(s.kind == "grpc" || s.kind == "received", "%v", s.raw)
	add(s.info != nil, "ErrorInfo{%q %q %v}", s.info.GetDomain(), s.info.GetReason(), s.info.GetMetadata())
	add(s.details != nil, "%q", s.details)
	add(s.delay != 0, "delay=%v", s.delay)
	if s.kind == "received" {
		add(true, "tables=%d trust=%v assume=%v ignore=%v", len(s.client.Tables), s.client.Trust, s.client.AssumeCodes, s.client.IgnoreOpenIMNumbers)
	}
	return s.kind + "(" + strings.Join(args, ", ") + ")"
}

func (v verdict) String() string {
	return fmt.Sprintf("%v (otherwise %v, withheld %v): code %#v, decoded %#v, %v sent as %v, %q, details %v, pushback %v",
		v.source, v.otherwise, v.withheld, v.code, v.decoded, v.canonical, v.sent, v.message, v.details, v.pushback)
}
