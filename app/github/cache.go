package github

import (
	"container/list"
	"sync"
)

// cacheBytes is the room for pipeline files that were read before.
const cacheBytes = 16 << 20

// blobCache keeps the blobs used last. A blob never changes under its SHA; the
// repository is part of the key so that knowing a SHA opens nothing.
type blobCache struct {
	mu    sync.Mutex
	room  int
	byKey map[blobKey]*list.Element
	order *list.List // of blob, the one used last in front
}

type blobKey struct {
	repo int64
	sha  string
}

type blob struct {
	key  blobKey
	data []byte
}

// blobCost is what an entry takes besides its data.
const blobCost = 256

func newBlobCache(room int) *blobCache {
	return &blobCache{room: room, byKey: map[blobKey]*list.Element{}, order: list.New()}
}

// get returns data the caller must not change.
func (c *blobCache) get(repo int64, sha string) ([]byte, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.byKey[blobKey{repo, sha}]
	if e == nil {
		return nil, false
	}
	c.order.MoveToFront(e)
	return e.Value.(blob).data, true
}

// put keeps a blob, if its repository is known.
func (c *blobCache) put(repo int64, sha string, data []byte) {
	if repo == 0 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	key := blobKey{repo, sha}
	if c.byKey[key] != nil {
		return
	}
	c.byKey[key] = c.order.PushFront(blob{key, data})
	c.room -= len(data) + blobCost
	for c.room < 0 && c.order.Len() > 1 {
		oldest := c.order.Remove(c.order.Back()).(blob)
		delete(c.byKey, oldest.key)
		c.room += len(oldest.data) + blobCost
	}
}
