// Package status carries domain errors over gRPC: it has the verbs of gRPC's
// package of the same name, for the codes of package codes.
//
//	return nil, status.Errorf(codes.RecordNotFound, "user %q", id)
//	return nil, status.Wrap(err, codes.SrvDatabase, "loading the user")
//	return nil, status.New(codes.Args, "bad request").WithDetails(badRequest).Err()
//
//	switch status.Code(err) {
//	case codes.TokenExpired:
//		refresh()
//	case codes.NoError:
//		done()
//	}
//
// What is public and what is private:
//
//   - The message of a [Status] is public: the caller reads it.
//   - Its details and metadata are public too.
//   - A cause, given to [Wrap], is private: it never reaches the wire. It is in
//     the error's chain, in its LogValue and in what %+v prints.
//   - So is the text that fmt.Errorf puts around an error.
//
// What holds always:
//
//   - A non-nil error never has code NoError, and NoError never makes an error of
//     a Status; NoError in the place of an error is a bug and is passed over.
//   - A [Status] is immutable, and its methods are safe on nil, which is success.
//   - Nothing here gives an error that holds a nil pointer.
//   - Errors are searched depth first, an error before what it wraps, joined ones
//     in order, through 64 levels and 1,000 errors at most. A method of an error
//     that panics on the way ends the search.
//
// [ToGRPC] and [FromGRPC] are the two directions between a domain error and a
// gRPC status; [Encoder] and [Decoder] are the same with tables and rules of
// one's own. The interceptors call them, and so can a gateway or a test.
package status
