// Package wiretest helps to test what is on the wire. It has a gRPC client and a
// server that handle HTTP/2 frames and don't interpret gRPC statuses. The client
// returns the header blocks that a server wrote, whatever their size. The server
// writes any header blocks.
package wiretest

import "encoding/binary"

// prefix is the size of the prefix of each message: a flag for compression and
// four bytes of length.
const prefix = 5

// LengthPrefixed returns the body of a request or response with the given
// messages, uncompressed.
func LengthPrefixed(messages ...[]byte) []byte {
	var body []byte
	for _, m := range messages {
		body = append(body, 0)
		body = binary.BigEndian.AppendUint32(body, uint32(len(m)))
		body = append(body, m...)
	}
	return body
}
