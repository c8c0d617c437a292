package status

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"reflect"
	"slices"
	"strings"

	"google.golang.org/genproto/googleapis/rpc/code"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	grpccodes "google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/errstatus/errstatus/codes"
	"github.com/errstatus/errstatus/internal/text"
)

// LogLevel returns the level at which a server logs the failure. ok is false if it isn't
// logged. A failure is logged if it has private text: a cause, the text of fmt.Errorf or
// errors.Join around a code, an error that a rule matched, the error from which a Status
// was read and restated, a DebugInfo, or a withheld text. It is also logged if its request id
// replaces another one of an upstream: the caller quotes the one, and the upstream has logged
// the other. The first case that holds decides on the level; see [Encoded.Fault]:
//
//   - INFO if the RPC's context has ended ([SourceContext]). If the error is a context
//     error, it is logged only if the context has a cause with private text.
//   - No record for FaultCaller.
//   - WARN for FaultTransient, such as UNAVAILABLE and DEADLINE_EXCEEDED.
//   - WARN for UNIMPLEMENTED.
//   - ERROR for any other FaultServer, such as INTERNAL, UNKNOWN and DATA_LOSS.
//
// If a rule, an amendment, the request id function or a method of the error panicked, or if
// an amendment returned nil or NoError, the failure is logged at ERROR in any case. An
// error that was encoded before isn't logged again.
func (e Encoded) LogLevel() (level slog.Level, ok bool) {
	switch {
	case e.Source() == SourceNone, e.Source() == SourceEncoded:
		return 0, false
	case e.Panic() != nil, e.AmendmentError() != nil:
		return slog.LevelError, true
	case !e.result.hasPrivateText() && !e.result.more().ended.private && !e.replacesRequestID():
		return 0, false
	case e.Source() == SourceContext:
		return slog.LevelInfo, true
	}
	switch fault := e.Fault(); {
	case fault == codes.FaultServer && e.GRPCCode() != grpccodes.Unimplemented:
		return slog.LevelError, true
	case fault == codes.FaultServer, fault == codes.FaultTransient:
		return slog.LevelWarn, true
	}
	return 0, false
}

// replacesRequestID reports whether the request id that is sent replaces another one, which an
// upstream sent.
func (e Encoded) replacesRequestID() bool {
	upstreams := e.UpstreamRequestID()
	return upstreams != "" && e.RequestID() != "" && e.RequestID() != upstreams
}

// hasPrivateText reports whether the error that was encoded has text that the caller doesn't
// get.
func (r *encodedError) hasPrivateText() bool {
	switch {
	case r.source == SourceContext:
		return r.more().ended.otherwise != SourceNone // a context error has no text of its own
	case r.source == SourceRule, r.source.Withheld(), r.more().withheld:
		return true
	}
	return hasPrivateText(r.original())
}

// hasPrivateText reports whether err has more text than the status that is sent for it.
func hasPrivateText(err error) bool {
	switch x := err.(type) {
	case nil, codes.ErrorCode, *receivedError, *encodedError:
		return false
	case *statusError:
		return x.cause() != nil || x.st.hasPrivateText()
	}
	return !isBare(err) && reflect.TypeOf(err) != gRPCErrorType && err != context.DeadlineExceeded
}

// hasPrivateText reports whether a Status has text that isn't sent beside its error's cause:
// a DebugInfo, or that of an error from which it was read and restated.
func (st *Status) hasPrivateText() bool {
	if slices.ContainsFunc(st.details, isDebugInfo) {
		return true
	}
	before := st.more().before
	if received, ok := before.(*receivedError); ok {
		return st.text == ownText && received.proto.GetMessage() != ""
	}
	return hasPrivateText(before)
}

// isBare reports whether err is a code or an error with parameters without a text of its own.
func isBare(err error) bool { return isBareCode(err) || isBareParams(err) }

// isBareCode reports whether err is a code without a text of its own. A struct can embed one.
func isBareCode(err error) bool {
	_, ok := err.(codes.Code)
	return ok && reflect.TypeOf(err).Kind() == reflect.Int32
}

// maxCauses is about the largest number of causes that are logged for one error.
const maxCauses = 10

// causeText returns the private text of err as one line. For a code or a Status error, that
// is the text of the causes, because the error's own text is public. For any other error,
// it is the error's text and the causes of the Status errors in it.
func causeText(err error) string {
	if _, ok := err.(*statusError); ok || isBare(err) {
		return joinTexts(causesIn(err))
	}
	return joinTexts(append([]string{withoutStated(logText(err), err)}, causesIn(err)...))
}

// withoutStated returns the text of an error that wraps a code or a Status error, without the
// public text of that at its end: a log has that already.
func withoutStated(line string, err error) string {
	f := find(err)
	switch {
	case f.stated != nil:
		line = strings.TrimSuffix(line, ": "+f.stated.Error())
	case f.params != nil:
		line = strings.TrimSuffix(line, ": "+f.params.String())
	case f.code != nil:
		line = strings.TrimSuffix(line, ": "+logText(f.code))
	}
	return line
}

// causesIn returns the texts of the causes of the Status errors in err, and their other private
// text.
func causesIn(err error) []string {
	var c causes
	c.addIn(err)
	return c.texts
}

// causes collects private texts. It reads at most maxCauses errors: an error and the one from
// which it was restated can have the same causes.
type causes struct {
	texts []string
	read  int
}

// addIn adds those of the Status errors in err.
func (c *causes) addIn(err error) {
	var t tree
	t.read(err)
	for i := 0; i < t.size && c.read < maxCauses; i++ {
		if e, ok := t.at(i).err.(*statusError); ok {
			c.add(e)
		}
	}
}

// add adds those of a Status error itself, without those in its cause.
func (c *causes) add(e *statusError) {
	if e.cause() != nil {
		c.addText(logText(e.cause()))
	}
	before := e.st.more().before
	if before != nil && !equalErrors(before, e.cause()) && e.st.hasPrivateText() {
		c.read++
		if _, ok := before.(*statusError); !ok && !isBare(before) {
			c.addText(logText(before))
		}
		c.addIn(before)
	}
	for _, d := range e.st.details {
		info := &errdetails.DebugInfo{}
		if isDebugInfo(d) && proto.Unmarshal(d.GetValue(), info) == nil {
			c.addText(text.ForLog(strings.Join(append([]string{info.GetDetail()}, info.GetStackEntries()...), "; ")))
		}
	}
}

func (c *causes) addText(line string) {
	c.texts = append(c.texts, line)
	c.read++
}

func isDebugInfo(d *anypb.Any) bool { return d.MessageName() == debugInfoName }

// textWithCauses returns the text of err, and the causes of the Status errors in err.
func textWithCauses(err error) string {
	return joinTexts(append([]string{logText(err)}, causesIn(err)...))
}

// joinTexts returns private texts as one text of a log, each as the cause of the one before.
func joinTexts(texts []string) string { return text.ForLog(strings.Join(texts, "; caused by: ")) }

// logText returns the text of an error of any type as one line for a log. If a type outside
// of this package implements slog.LogValuer, logText uses LogValue instead of Error,
// because LogValue may hide secrets.
func logText(err error) (line string) {
	panicked := catchPanic(func() {
		if value, ok := usersLogValue(err); ok {
			line = valueText(value)
		}
		if line == "" {
			line = err.Error()
		}
	})
	if _, joined := err.(interface{ Unwrap() []error }); joined {
		line = strings.ReplaceAll(line, "\n", "; ")
	}
	if panicked != nil {
		line = fmt.Sprintf("%T, which can't be printed: %v", err, panicked)
	}
	return text.ForLog(line)
}

// usersLogValue returns the value of an error for logs, if it is of a type outside of this
// package that has one.
func usersLogValue(err error) (value slog.Value, ok bool) {
	switch err.(type) {
	case *statusError, *receivedError, *encodedError, *PanicError:
		return slog.Value{}, false
	}
	valuer, ok := err.(slog.LogValuer)
	if !ok || isBareCode(err) {
		return slog.Value{}, false
	}
	_ = catchPanic(func() { value = valuer.LogValue().Resolve() })
	return value, value.Any() != nil
}

// valueText returns a resolved value as slog's text handler writes it.
func valueText(v slog.Value) string {
	if v.Kind() != slog.KindGroup {
		return v.String()
	}
	var b bytes.Buffer
	record := slog.Record{}
	record.AddAttrs(slog.Attr{Value: v})
	_ = slog.NewTextHandler(&b, nil).Handle(context.Background(), record) // a buffer takes everything
	line, _ := strings.CutPrefix(b.String(), `level=INFO msg=""`)
	return strings.TrimSpace(line)
}

// LogValue returns a group with the code's name, number and reason, the canonical
// code, the message and, for a received status, its origin. If the status carries no code,
// the group has the canonical code, the message, the origin, and the reason and domain of
// its ErrorInfo. Each text is one line. Of a text over 4 KiB, the middle is left out.
func (st *Status) LogValue() slog.Value {
	var attrs []slog.Attr
	if st != nil && st.received != nil && !st.hasOwnInfo() {
		attrs = st.logUncoded()
	} else {
		attrs = logCoded(st.row(), st.GRPCCode(), st.Message())
	}
	if st.Origin() != OriginLocal {
		attrs = append(attrs, slog.String("origin", st.origin.String()))
	}
	return slog.GroupValue(attrs...)
}

// logCoded returns the attributes of a status that carries the code of a row.
func logCoded(row codes.Row, canonical grpccodes.Code, message string) []slog.Attr {
	row.Name, row.GRPCCode, row.Message = text.ForLog(row.Name), canonical, text.ForLog(message)
	return row.LogValue().Group()
}

// logUncoded returns the attributes of a status that carries no code.
func (st *Status) logUncoded() []slog.Attr {
	attrs := logMessage(st.GRPCCode(), st.Message())
	attrs = appendText(attrs, "reason", st.Reason())
	return appendText(attrs, "domain", st.Domain())
}

func logMessage(canonical grpccodes.Code, message string) []slog.Attr {
	return []slog.Attr{
		slog.String("grpc_code", code.Code(canonical).String()),
		slog.String("message", text.ForLog(message)),
	}
}

// appendText appends an attribute with a text that isn't empty.
func appendText(attrs []slog.Attr, key, value string) []slog.Attr {
	if value == "" {
		return attrs
	}
	return append(attrs, slog.String(key, text.ForLog(value)))
}

// LogValue returns the group of [Status.LogValue], and the text of the causes as "cause".
func (e *statusError) LogValue() slog.Value {
	return slog.GroupValue(appendText(e.st.LogValue().Group(), "cause", causeText(e))...)
}

// LogValue returns the group of [Status.LogValue]. If the error that was received has more
// text than its status, such as grpc-go's "max retries exhausted", that text is the "cause".
func (e *receivedError) LogValue() slog.Value {
	attrs := e.status().LogValue().Group()
	if !e.isStatus() {
		attrs = appendText(attrs, "cause", logText(e.cause()))
	}
	return slog.GroupValue(attrs...)
}

// LogValue returns a group with what was sent and with the private text. Sent are the
// code's name, number and reason, the canonical code and the message. Private are "cause"
// and, in few groups, "context_cause", "panic", "stack" and "amendment". A server logs this
// group.
func (r *encodedError) LogValue() slog.Value {
	sent := r.status.Message()
	attrs := logMessage(r.grpcCode, sent)
	if row := r.row(); row.Code != nil {
		attrs = logCoded(row, r.grpcCode, sent)
	}
	x := r.more()
	attrs = appendText(attrs, "cause", r.privateText())
	if x.ended.cause != nil {
		attrs = appendText(attrs, "context_cause", textWithCauses(x.ended.cause))
	}
	stack := x.panicked
	if stack == nil {
		stack, _ = errors.AsType[*PanicError](r.cause()) // under a code
	}
	if x.panicked != nil && r.source != SourcePanic { // for SourcePanic, "cause" has the panic's text
		attrs = appendText(attrs, "panic", x.panicked.Error())
	}
	if stack != nil {
		attrs = append(attrs, slog.String("stack", stack.stack()))
	}
	if x.amendment != nil {
		attrs = appendText(attrs, "amendment", x.amendment.Error())
	}
	return slog.GroupValue(attrs...)
}

// privateText returns the text of the handler's error that the caller doesn't get, for a log.
func (r *encodedError) privateText() string {
	original := r.original()
	switch {
	case !r.hasPrivateText():
		return ""
	case r.more().cause != nil: // of a rule's Status
		return joinTexts([]string{textWithCauses(original), textWithCauses(r.more().cause)})
	case r.source.Withheld(), r.more().withheld: // the text of a withheld NoError or Status error isn't sent either
		return textWithCauses(original)
	}
	return causeText(original)
}

// maxPrinted is the length of the longest text that %+v prints of an error, or of its cause,
// in bytes.
const maxPrinted = 16 << 10

// format prints public with the formatting of a string. %+v also prints the private cause,
// which can have several lines. It shortens public and the cause to 16 KiB each, by leaving
// out the middle.
func format(f fmt.State, verb rune, public string, cause error) {
	if verb != 'v' || !f.Flag('+') {
		fmt.Fprintf(f, fmt.FormatString(f, verb), public)
		return
	}
	fmt.Fprintf(f, fmt.FormatString(f, verb), text.Shorten(public, maxPrinted))
	if cause != nil {
		io.WriteString(f, "\ncaused by: ")
		io.WriteString(f, text.Lines(text.Shorten(fmt.Sprintf("%+v", cause), maxPrinted)))
	}
}
