package status

import (
	"maps"
	"slices"
	"strconv"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/errstatus/errstatus/codes"
)

// The metadata keys of an ErrorInfo that are errstatus's own.
const (
	numberKey    = "code"      // the code's number, in decimal
	truncatedKey = "truncated" // what was left out for the sake of size
)

const (
	errorInfoName = "google.rpc.ErrorInfo"
	errorInfoURL  = "type.googleapis.com/" + errorInfoName
)

// errorInfo is the ErrorInfo that states the code, as it was received or as it
// would be sent with the code's own table; nil where nothing states the code.
// The caller may change it.
func (st *Status) errorInfo() *errdetails.ErrorInfo {
	if st.Code().Number() == 0 || !st.origin.carriesCode() {
		return nil
	}
	return st.errorInfoIn(st.tableIn(nil))
}

// errorInfoIn is errorInfo with a table that has the code's row. What was
// received is kept, but for the metadata where a With method changed it.
func (st *Status) errorInfoIn(table *codes.Table) *errdetails.ErrorInfo {
	raw := st.rarely().info
	if raw == nil {
		raw = table.AppendErrorInfo(nil, st.code.Number())
	}
	info := &errdetails.ErrorInfo{}
	if err := proto.Unmarshal(raw, info); err != nil {
		panic(err) // these bytes were written here, or have been read before
	}
	if st.metadata != nil {
		number, ok := info.Metadata[numberKey]
		info.Metadata = maps.Clone(st.metadata)
		if ok {
			info.Metadata[numberKey] = number
		}
	}
	if st.unnumbered {
		if info.Metadata == nil {
			info.Metadata = make(map[string]string, 1)
		}
		info.Metadata[numberKey] = strconv.Itoa(int(st.code.Number()))
	}
	return info
}

// packErrorInfo is the ErrorInfo that states the code, ready to be sent. What was
// received and not changed stays as it is, byte for byte, if it has the number.
func (st *Status) packErrorInfo(table *codes.Table) *anypb.Any {
	switch {
	case st.metadata != nil && st.rarely().info == nil:
		return &anypb.Any{TypeUrl: errorInfoURL, Value: st.appendErrorInfo(nil, table)}
	case st.metadata != nil || st.unnumbered:
		return pack(st.errorInfoIn(table))
	case st.rarely().info != nil:
		return &anypb.Any{TypeUrl: errorInfoURL, Value: st.rarely().info}
	}
	return &anypb.Any{TypeUrl: errorInfoURL, Value: table.AppendErrorInfo(nil, st.code.Number())}
}

// appendErrorInfo appends the ErrorInfo of a Status with metadata that was not
// received, as errorInfoIn gives it and protobuf writes it, the keys in order.
func (st *Status) appendErrorInfo(b []byte, table *codes.Table) []byte {
	var buffer [8]string
	keys := buffer[:0]
	for key := range st.metadata {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	after, _ := slices.BinarySearch(keys, numberKey)

	b = table.AppendErrorInfo(b, st.code.Number())
	number := strconv.Itoa(int(st.code.Number()))
	b = b[:len(b)-pairSize(numberKey, number)] // the pair is the last
	for _, key := range keys[:after] {
		b = appendPair(b, key, st.metadata[key])
	}
	b = appendPair(b, numberKey, number)
	for _, key := range keys[after:] {
		b = appendPair(b, key, st.metadata[key])
	}
	return b
}

// appendPair appends a pair of an ErrorInfo's metadata.
func appendPair(b []byte, key, value string) []byte {
	b = protowire.AppendTag(b, errorInfoMetadata, protowire.BytesType)
	b = protowire.AppendVarint(b, uint64(protowire.SizeTag(entryKey)+protowire.SizeBytes(len(key))+protowire.SizeTag(entryValue)+protowire.SizeBytes(len(value))))
	b = protowire.AppendTag(b, entryKey, protowire.BytesType)
	b = protowire.AppendString(b, key)
	b = protowire.AppendTag(b, entryValue, protowire.BytesType)
	return protowire.AppendString(b, value)
}

// isMetadataKey tells whether a key has AIP-193's form, [a-z][a-zA-Z0-9-_]+ in 64
// bytes at most.
func isMetadataKey(key string) bool {
	if len(key) < 2 || len(key) > 64 {
		return false
	}
	for i := range len(key) {
		switch c := key[i]; {
		case 'a' <= c && c <= 'z':
		case i > 0 && ('A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '-' || c == '_'):
		default:
			return false
		}
	}
	return true
}

func isReserved(key string) bool { return key == numberKey || key == truncatedKey }
