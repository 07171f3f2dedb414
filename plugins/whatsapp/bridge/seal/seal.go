// Package seal keeps what is stored unreadable for whoever copies it.
package seal

import (
	"sync"

	"lukechampine.com/adiantum"
	"lukechampine.com/adiantum/hbsh"
)

// KeySize of a key, in bytes.
const KeySize = 32

// Shorter ones are numbers and flags, and are left alone.
const shortest = 16

// Cipher seals bytes without making them longer, as columns with a fixed length need, and always in
// the same way, so that what is looked up by its bytes is found. Equal bytes are seen to be equal, and
// nothing else: a change of any bit changes all of it. Safe for concurrent use.
type Cipher struct {
	mutex sync.Mutex // guards the buffers inside
	inner *hbsh.HBSH
}

func New(key [KeySize]byte) *Cipher { return &Cipher{inner: adiantum.New20(key[:])} }

func (c *Cipher) Seal(open []byte) []byte { return c.apply((*hbsh.HBSH).Encrypt, open) }

func (c *Cipher) Open(sealed []byte) []byte { return c.apply((*hbsh.HBSH).Decrypt, sealed) }

func (c *Cipher) apply(how func(*hbsh.HBSH, []byte, []byte) []byte, bytes []byte) []byte {
	if len(bytes) < shortest {
		return bytes
	}
	c.mutex.Lock()
	defer c.mutex.Unlock()
	return how(c.inner, append([]byte(nil), bytes...), nil)
}
