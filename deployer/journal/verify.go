package journal

import (
	"bytes"
	"encoding/binary"
	"os"
	"runtime/debug"
	"strconv"
)

// verifier walks the pages of a file that bbolt is to open.
//
// bbolt maps its file into memory and follows what it finds there: a damaged file makes it panic (in goroutines of its
// own, too), ask for all memory, go round in circles or read behind the file's end, which kills the process. So everything
// that bbolt relies on is looked at first: bounds, kinds, the order of keys, and that no page is used twice or both used
// and free.
type verifier struct {
	data    []byte // the file
	header  header
	taken   []bool // by page: used or free
	layout  int
	scratch []element
}

// verify returns the layout of a journal, 0 when it does not say. The error is *damaged when the file is.
func verify(f *os.File) (layout int, err error) {
	data, release, err := contents(f)
	if err != nil {
		return 0, err
	}
	defer release()
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if p := recover(); p != nil { // a sector that cannot be read
			err = damage("%v", p)
		}
	}()
	v := verifier{data: data}
	return v.layout, v.verify()
}

func (v *verifier) verify() error {
	if err := v.newestHeader(); err != nil {
		return err
	}
	if most := uint64(len(v.data)) / v.header.pageSize; v.header.end > most {
		return damage("it is cut short: %d of its %d pages are there", most, v.header.end)
	}
	v.taken = make([]bool, v.header.end)
	if err := v.freelist(); err != nil {
		return err
	}
	_, err := v.tree(v.header.root, nil, nil, nil)
	return err
}

// newestHeader finds the header that bbolt will go by: the later one of the two, if it is sound.
func (v *verifier) newestHeader() error {
	newest, sound := v.headerAt(0)
	place, size := uint64(0), newest.pageSize
	for offset := uint64(1 << 10); !sound && offset <= 1<<24; offset <<= 1 { // every size of page that bbolt looks for
		newest, sound = v.headerAt(offset)
		place, size = 1, newest.pageSize
	}
	if !sound || size < 1<<10 || size > 1<<24 || size&(size-1) != 0 {
		return damage("it does not begin like a journal")
	}
	if second, sound := v.headerAt(size); sound && second.transaction > newest.transaction {
		newest, place = second, 1
	}
	if newest.pageSize != size || newest.transaction%2 != place || newest.transaction > 1<<62 {
		return damage("its header is not what it should be")
	}
	v.header = newest
	return nil
}

func (v *verifier) headerAt(offset uint64) (h header, sound bool) {
	return parseHeader(v.data[min(offset, uint64(len(v.data))):])
}

// page takes a page; each may be taken once.
func (v *verifier) page(id uint64) (page, error) {
	if id < 2 || id >= v.header.end {
		return nil, damage("it names page %d of %d", id, v.header.end)
	}
	size := v.header.pageSize
	p := page(v.data[id*size : (id+1)*size])
	more := p.overflow()
	if p.id() != id || more >= v.header.end-id {
		return nil, damage("page %d is not what it should be", id)
	}
	for taken := range more + 1 {
		if err := v.take(id + taken); err != nil {
			return nil, err
		}
	}
	return page(v.data[id*size : (id+more+1)*size]), nil
}

func (v *verifier) take(id uint64) error {
	if v.taken[id] {
		return damage("page %d is used twice", id)
	}
	v.taken[id] = true
	return nil
}

// freelist takes the free pages.
func (v *verifier) freelist() error {
	if v.header.freelist == noFreelist {
		return nil
	}
	p, err := v.page(v.header.freelist)
	if err != nil {
		return err
	}
	ids, ok := p.free()
	if !ok || p.flags() != freelistPage {
		return damage("page %d is no list of free pages", p.id())
	}
	for _, id := range ids {
		if id < 2 || id >= v.header.end {
			return damage("it has page %d of %d for free", id, v.header.end)
		}
		if err := v.take(id); err != nil {
			return err
		}
	}
	return nil
}

// tree verifies a page and all below it: the first key is known and all are before high (unless nil), leaves are all at
// one depth. bucket is the name of the bucket that it belongs to, nil for the one that holds all others.
func (v *verifier) tree(id uint64, first, high, bucket []byte) (height int, err error) {
	p, err := v.page(id)
	if err != nil {
		return 0, err
	}
	if p.flags() == leafPage {
		return 0, v.leaf(p, first, high, bucket)
	}
	list, err := p.elements(nil)
	if err != nil {
		return 0, err
	}
	if p.flags() != branchPage || len(list) == 0 || !between(list, first, high) {
		return 0, damage("page %d is not what it should be", id)
	}
	for i, e := range list {
		before := high
		if i+1 < len(list) {
			before = list[i+1].key
		}
		below, err := v.tree(e.child, e.key, before, bucket)
		if err != nil {
			return 0, err
		}
		if i > 0 && below+1 != height {
			return 0, damage("page %d is not as deep as its neighbours", e.child)
		}
		height = below + 1
	}
	return height, nil
}

func (v *verifier) leaf(p page, first, high, bucket []byte) error {
	list, err := p.elements(v.scratch[:0])
	if err != nil {
		return err
	}
	if !between(list, first, high) {
		return damage("page %d is not what it should be", p.id())
	}
	v.scratch = nil // what is below a bucket has a list of its own
	for _, e := range list {
		switch {
		case e.bucket:
			if err := v.bucket(e); err != nil {
				return err
			}
		case bucket == nil:
			return damage("%q is no bucket", e.key)
		case string(bucket) == meta && string(e.key) == "version":
			if v.layout, err = strconv.Atoi(string(e.value)); err != nil {
				return damage("its layout is %q", e.value)
			}
		}
	}
	v.scratch = list
	return nil
}

// bucket verifies a bucket: its tree, or the one page that is so small that it lies in the entry itself.
func (v *verifier) bucket(e element) error {
	if len(e.value) < bucketHeader {
		return damage("bucket %q is cut short", e.key)
	}
	if root := binary.NativeEndian.Uint64(e.value); root != 0 {
		_, err := v.tree(root, nil, nil, e.key)
		return err
	}
	p := page(e.value[bucketHeader:])
	if len(p) < pageHeader || p.flags() != leafPage {
		return damage("bucket %q is cut short", e.key)
	}
	return v.leaf(p, nil, nil, e.key)
}

// between reports whether sorted entries begin with a key and end before another one. bbolt finds the entry of a page in
// the one above by its first key: a smaller one there makes it write a second entry for the same page.
func between(list []element, first, high []byte) bool {
	if len(list) == 0 {
		return first == nil // bbolt writes no empty page but a bucket's only one
	}
	return (first == nil || bytes.Equal(list[0].key, first)) && (high == nil || bytes.Compare(list[len(list)-1].key, high) < 0)
}
