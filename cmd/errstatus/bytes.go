package main

import (
	"encoding/hex"
	"regexp"
	"strconv"
)

var (
	hexToken   = regexp.MustCompile(`\b(?:0x)?((?:[0-9A-Fa-f]{2}){8,})\b`)
	byteNumber = regexp.MustCompile(`\d{1,3}`)
	byteList   = regexp.MustCompile(`\[\s*\d{1,3}(?:(?:\s*,\s*|\s+)\d{1,3}){7,}\s*\]`)
)

// findNumbers finds bytes of a status as numbers: in hexadecimal, or as Go, Java and Node
// print a list of bytes.
func (f *finder) findNumbers() {
	for _, place := range hexToken.FindAllSubmatchIndex(f.rest, -1) {
		if b, err := hex.DecodeString(string(f.rest[place[2]:place[3]])); err == nil {
			f.addBytes(b, place[0], place[1])
		}
	}
	for _, place := range byteList.FindAllIndex(f.rest, -1) {
		var b []byte
		for _, digits := range byteNumber.FindAll(f.rest[place[0]:place[1]], -1) {
			n, _ := strconv.Atoi(string(digits))
			b = append(b, byte(n))
		}
		f.addBytes(b, place[0], place[1])
	}
}

// addBytes adds the status with the bytes b, if they are one.
func (f *finder) addBytes(b []byte, start, end int) {
	if found := certainStatus(b, asBytes, asBytes); found != nil {
		f.add(hit{start: start, end: end, text: string(f.rest[start:end]), status: found})
	}
}
