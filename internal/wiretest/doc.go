// Package wiretest is for tests of what is on the wire: a gRPC client and a
// server that know HTTP/2's frames and nothing of gRPC's statuses. The client
// shows the header blocks as a server wrote them, without a limit on their size;
// the server writes any.
package wiretest

import "encoding/binary"

// prefix is the size of what stands before each message: a flag for compression
// and four bytes of length.
const prefix = 5

// LengthPrefixed is the body of a call or of an answer with the given messages,
// none of them compressed.
func LengthPrefixed(messages ...[]byte) []byte {
	var body []byte
	for _, m := range messages {
		body = append(body, 0)
		body = binary.BigEndian.AppendUint32(body, uint32(len(m)))
		body = append(body, m...)
	}
	return body
}
