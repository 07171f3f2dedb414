package frame

import (
	"encoding/binary"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"time"
)

const (
	headerSize = 8
	// A length is only a promise: memory follows what really comes.
	step = 256 << 10
)

// Pipe is one end of the socket. One goroutine reads; any may write.
type Pipe struct {
	socket  *net.UnixConn
	writing sync.Mutex
	// Patience is how long the other side may leave unread what it is sent; zero: for ever.
	Patience time.Duration
}

// Open takes the descriptor over.
func Open(file *os.File) (*Pipe, error) {
	conn, err := net.FileConn(file)
	file.Close()
	if err != nil {
		return nil, err
	}
	socket, isUnix := conn.(*net.UnixConn)
	if !isUnix {
		conn.Close()
		return nil, errors.New("not a Unix socket")
	}
	return &Pipe{socket: socket}, nil
}

func (p *Pipe) Close() error { return p.socket.Close() }

// ErrTooLarge is of a frame that has not been sent; the pipe is as it was.
var ErrTooLarge = errors.New("too large for a frame")

// Write sends it whole. Its files stay the caller's.
func (p *Pipe) Write(f *Frame) error {
	text, err := textOf(f)
	if err != nil {
		return err
	}
	if len(text) > LongestText || len(f.Files) > MostFiles {
		return ErrTooLarge
	}
	bytes := make([]byte, headerSize, headerSize+len(text))
	binary.LittleEndian.PutUint32(bytes, uint32(len(text)))
	binary.LittleEndian.PutUint32(bytes[4:], uint32(len(f.Files)))
	bytes = append(bytes, text...)

	p.writing.Lock()
	defer p.writing.Unlock()
	if p.Patience > 0 {
		p.socket.SetWriteDeadline(time.Now().Add(p.Patience))
	}
	var beside []byte
	if len(f.Files) > 0 {
		numbers := make([]int, len(f.Files))
		for i, file := range f.Files {
			numbers[i] = int(file.Fd())
		}
		beside = syscall.UnixRights(numbers...)
	}
	wrote, _, err := p.socket.WriteMsgUnix(bytes, beside, nil)
	for at := wrote; err == nil && at < len(bytes); at += wrote {
		wrote, err = p.socket.Write(bytes[at:])
	}
	return err
}

// Read waits for the next one. io.EOF is the end of the conversation.
func (p *Pipe) Read() (*Frame, error) {
	header, files, err := p.readHeader()
	if err != nil {
		closeAll(files)
		return nil, err
	}
	size := binary.LittleEndian.Uint32(header[:])
	count := binary.LittleEndian.Uint32(header[4:])
	f, err := p.readText(size, count, len(files))
	if err != nil {
		closeAll(files)
		return nil, err
	}
	// Fewer came when this process may open no more: what needs them fails, and nothing else.
	f.Files = append(files, make([]*os.File, int(count)-len(files))...)
	return f, nil
}

func (p *Pipe) readText(size, count uint32, came int) (*Frame, error) {
	if size > LongestText || count > MostFiles {
		return nil, malformed("a header of %d bytes and %d descriptors", size, count)
	}
	if came > int(count) {
		return nil, malformed("descriptors that no header speaks of")
	}
	text := make([]byte, 0, min(size, step))
	for uint32(len(text)) < size {
		at := len(text)
		next := min(int(size), at+step)
		text = append(text, make([]byte, next-at)...)
		if _, err := io.ReadFull(p.socket, text[at:]); err != nil {
			return nil, io.ErrUnexpectedEOF
		}
	}
	return frameOf(text)
}

// Descriptors come with the header; elsewhere nobody asks for them, and the kernel closes them.
func (p *Pipe) readHeader() (header [headerSize]byte, files []*os.File, err error) {
	beside := make([]byte, syscall.CmsgSpace(4*MostFiles))
	for at := 0; at < headerSize; {
		got, gotBeside, _, _, err := p.socket.ReadMsgUnix(header[at:], beside)
		if err == nil && got == 0 {
			err = io.EOF
		}
		if err == nil {
			files = append(files, filesIn(beside[:gotBeside])...)
		}
		if err != nil {
			if at > 0 && errors.Is(err, io.EOF) {
				err = io.ErrUnexpectedEOF
			}
			return header, files, err
		}
		at += got
	}
	return header, files, nil
}

func filesIn(beside []byte) (files []*os.File) {
	messages, err := syscall.ParseSocketControlMessage(beside)
	if err != nil {
		return nil
	}
	for _, message := range messages {
		numbers, err := syscall.ParseUnixRights(&message)
		if err != nil {
			continue
		}
		for _, number := range numbers {
			files = append(files, os.NewFile(uintptr(number), "passed"))
		}
	}
	return files
}

func closeAll(files []*os.File) {
	for _, file := range files {
		if file != nil {
			file.Close()
		}
	}
}
