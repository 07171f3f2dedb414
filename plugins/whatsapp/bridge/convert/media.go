package convert

import (
	"encoding/hex"
	"encoding/json"
	"strings"

	"go.mau.fi/whatsmeow"
	"go.mau.fi/whatsmeow/proto/waE2E"
	"go.mau.fi/whatsmeow/types"
)

// MediaKey is what is needed to fetch a file, and to ask its sender for it once more. The gateway
// keeps it, as text, and asks by it.
type MediaKey struct {
	Kind     string `json:"kind"`
	MimeType string `json:"mimeType"`
	FileName string `json:"fileName"`
	Path     string `json:"path"`
	Key      []byte `json:"key"`
	Hash     []byte `json:"hash"`
	EncHash  []byte `json:"encHash"`
	Size     uint64 `json:"size"`
	ID       string `json:"id"`
	Chat     string `json:"chat"`
	Sender   string `json:"sender"`
	FromMe   bool   `json:"fromMe"`
	IsGroup  bool   `json:"isGroup"`
}

var mediaTypes = map[string]whatsmeow.MediaType{
	"image": whatsmeow.MediaImage, "sticker": whatsmeow.MediaImage,
	"video": whatsmeow.MediaVideo, "ptv": whatsmeow.MediaVideo,
	"audio": whatsmeow.MediaAudio, "ptt": whatsmeow.MediaAudio,
	"document": whatsmeow.MediaDocument,
}

// MediaType by which WhatsApp derives keys; empty for a kind that is unknown.
func MediaType(kind string) whatsmeow.MediaType { return mediaTypes[kind] }

// What all media messages have.
type file interface {
	GetURL() string
	GetDirectPath() string
	GetMimetype() string
	GetMediaKey() []byte
	GetFileSHA256() []byte
	GetFileEncSHA256() []byte
	GetFileLength() uint64
}

type medium struct {
	file
	kind, fileName, caption string
	duration, width, height uint32
	isAnimated              *bool
}

func orNull[N uint32 | uint64](n N) any {
	if n == 0 {
		return nil
	}
	return n
}

func (m medium) mimeType() string {
	if mime := m.GetMimetype(); mime != "" {
		return strings.ToValidUTF8(mime, "")
	}
	return "application/octet-stream"
}

func (m medium) object() Object {
	var hash, address any
	if sum := m.GetFileSHA256(); len(sum) > 0 {
		hash = hex.EncodeToString(sum)
	}
	if path := m.GetDirectPath(); path != "" {
		address = "https://mmg.whatsapp.net" + path
	} else if url := m.GetURL(); url != "" {
		address = url
	}
	shown := Object{"type": m.kind, "url": nil, "directUrl": address, "s3Url": nil, "base64": nil,
		"mimetype": m.mimeType(), "mimeType": m.mimeType(), "fileName": m.fileName,
		"caption": m.caption, "size": orNull(m.GetFileLength()), "duration": orNull(m.duration),
		"width": orNull(m.width), "height": orNull(m.height), "sha256": hash,
		"isVoiceNote": m.kind == "ptt"}
	if m.isAnimated != nil {
		shown["isAnimated"] = *m.isAnimated
	}
	return shown
}

// Some phones wrap what is to be seen once, others say so in it.
func (m *medium) isViewOnce() bool {
	if m == nil {
		return false
	}
	says, can := m.file.(interface{ GetViewOnce() bool })
	return can && says.GetViewOnce()
}

func (m medium) key(info *types.MessageInfo) string {
	text, err := json.Marshal(MediaKey{m.kind, m.mimeType(), m.fileName, m.GetDirectPath(),
		m.GetMediaKey(), m.GetFileSHA256(), m.GetFileEncSHA256(), m.GetFileLength(), info.ID,
		info.Chat.String(), info.Sender.String(), info.IsFromMe, info.IsGroup})
	if err != nil {
		return ""
	}
	return string(text)
}

// mediumOf a message, and the type and text of the message that it makes.
func mediumOf(m *waE2E.Message) (found *medium, kind, content string) {
	switch {
	case m.GetImageMessage() != nil:
		image := m.GetImageMessage()
		return &medium{file: image, kind: "image", caption: image.GetCaption(), width: image.GetWidth(),
			height: image.GetHeight()}, "image", image.GetCaption()
	case m.GetVideoMessage() != nil:
		return videoOf(m.GetVideoMessage(), "video")
	case m.GetPtvMessage() != nil:
		return videoOf(m.GetPtvMessage(), "ptv")
	case m.GetAudioMessage() != nil:
		audio := m.GetAudioMessage()
		kind := "audio"
		if audio.GetPTT() {
			kind = "ptt"
		}
		return &medium{file: audio, kind: kind, duration: audio.GetSeconds()}, "audio", ""
	case m.GetDocumentMessage() != nil:
		document := m.GetDocumentMessage()
		return &medium{file: document, kind: "document", fileName: document.GetFileName(),
			caption: document.GetCaption()}, "document", document.GetCaption()
	case m.GetStickerMessage() != nil:
		sticker := m.GetStickerMessage()
		moves := sticker.GetIsAnimated() || sticker.GetIsLottie()
		return &medium{file: sticker, kind: "sticker", width: sticker.GetWidth(),
			height: sticker.GetHeight(), isAnimated: &moves}, "sticker", ""
	}
	return nil, "", ""
}

func videoOf(video *waE2E.VideoMessage, kind string) (*medium, string, string) {
	return &medium{file: video, kind: kind, caption: video.GetCaption(), duration: video.GetSeconds(),
		width: video.GetWidth(), height: video.GetHeight()}, "video", video.GetCaption()
}
