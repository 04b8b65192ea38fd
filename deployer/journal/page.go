package journal

import (
	"bytes"
	"encoding/binary"
	"hash/fnv"
)

// What bbolt writes, in the byte order of the machine: go.etcd.io/bbolt, internal/common, version 2 of the format.
const (
	pageHeader    = 16 // id (8), flags (2), count (2), overflow (4)
	elementHeader = 16 // of a branch: position (4), key size (4), child (8); of a leaf: flags, position, key size, value size
	bucketHeader  = 16 // root (8), sequence (8); a bucket whose root is 0 has its only page behind this header

	branchPage   = 0x01
	leafPage     = 0x02
	freelistPage = 0x10
	noFreelist   = 1<<64 - 1 // the list is not on disk and made anew when the file is opened

	bucketElement = 0x01
	manyFree      = 0xFFFF // so many free pages or more: the first entry is their number
)

// page is a page with those that overflow from it.
type page []byte

func (p page) id() uint64       { return binary.NativeEndian.Uint64(p) }
func (p page) flags() uint16    { return binary.NativeEndian.Uint16(p[8:]) }
func (p page) count() int       { return int(binary.NativeEndian.Uint16(p[10:])) }
func (p page) overflow() uint64 { return uint64(binary.NativeEndian.Uint32(p[12:])) }

// element is an entry of a branch or a leaf.
type element struct {
	key, value []byte
	child      uint64 // the page below; of a branch
	bucket     bool   // the value is a bucket's; of a leaf
}

// elements appends the entries of a branch or a leaf to a list: all of them within the page, with keys in ascending order.
func (p page) elements(list []element) ([]element, error) {
	heads := pageHeader + p.count()*elementHeader
	if heads > len(p) {
		return nil, damage("page %d is too small for its %d entries", p.id(), p.count())
	}
	for i := range p.count() {
		e, ok := p.element(i, heads)
		if !ok || len(e.key) == 0 || i > 0 && bytes.Compare(list[i-1].key, e.key) >= 0 {
			return nil, damage("entry %d of page %d is out of place", i, p.id())
		}
		list = append(list, e)
	}
	return list, nil
}

// element is one entry. ok is false when it does not lie between the heads of all entries and the end of the page.
func (p page) element(i, heads int) (e element, ok bool) {
	at := pageHeader + i*elementHeader
	field := func(n int) uint64 { return uint64(binary.NativeEndian.Uint32(p[at+4*n:])) }
	var flags, position, key, value uint64
	if p.flags() == branchPage {
		position, key = field(0), field(1)
		e.child = binary.NativeEndian.Uint64(p[at+8:])
	} else {
		flags, position, key, value = field(0), field(1), field(2), field(3)
		e.bucket = flags == bucketElement
	}
	start := uint64(at) + position
	if flags > bucketElement || start < uint64(heads) || start+key+value > uint64(len(p)) {
		return e, false
	}
	e.key, e.value = p[start:start+key], p[start+key:start+key+value]
	return e, true
}

// free are the numbers of the free pages that a freelist names; ok is false when they do not fit into it.
func (p page) free() (ids []uint64, ok bool) {
	list, count := p[pageHeader:], uint64(p.count())
	if count == manyFree {
		if len(list) < 8 {
			return nil, false
		}
		count, list = binary.NativeEndian.Uint64(list), list[8:]
	}
	if count > uint64(len(list)/8) {
		return nil, false
	}
	ids = make([]uint64, count)
	for i := range ids {
		ids[i] = binary.NativeEndian.Uint64(list[8*i:])
	}
	return ids, true
}

// header is what the first two pages hold, one for each of the last two transactions.
type header struct{ pageSize, root, freelist, end, transaction uint64 }

// parseHeader reads a header behind its page's. ok is false when its checksum is wrong.
func parseHeader(b []byte) (h header, ok bool) {
	const magic, format, size, checked = 0xED0CDAED, 2, 64, 56
	if len(b) < pageHeader+size {
		return h, false
	}
	b = b[pageHeader : pageHeader+size]
	sum := fnv.New64a()
	_, _ = sum.Write(b[:checked])
	number := binary.NativeEndian.Uint64
	h = header{
		pageSize: uint64(binary.NativeEndian.Uint32(b[8:])), root: number(b[16:]), freelist: number(b[32:]),
		end: number(b[40:]), transaction: number(b[48:]),
	}
	ok = binary.NativeEndian.Uint32(b) == magic && binary.NativeEndian.Uint32(b[4:]) == format && number(b[checked:]) == sum.Sum64()
	return h, ok
}
