package violations

// RedactKeys returns the path of a protovalidate before 0.9 without map keys.
func RedactKeys(path string) string { return redactKeys(path) }
