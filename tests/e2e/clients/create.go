// create.go URL TOKEN: creates an instance with net/http and prints its name.
package main

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"reflect"
	"sort"
)

//go:embed request.json
var text []byte

func keysOf(object map[string]any) []string {
	keys := []string{}
	for key := range object {
		keys = append(keys, key)
	}
	sort.Strings(keys)
	return keys
}

func require(object map[string]any, keys ...string) {
	if !reflect.DeepEqual(keysOf(object), keys) {
		log.Fatalf("keys are %v", keysOf(object))
	}
}

func main() {
	url, token := os.Args[1], os.Args[2]
	fields := map[string]any{}
	if err := json.Unmarshal(text, &fields); err != nil {
		log.Fatal(err)
	}
	fields["name"] = "from-go"

	// Through a pipe the length is not known beforehand, and the body goes out in chunks.
	reader, writer := io.Pipe()
	go func() { writer.CloseWithError(json.NewEncoder(writer).Encode(fields)) }()
	request, err := http.NewRequest("POST", url+"/api/instance/new", reader)
	if err != nil {
		log.Fatal(err)
	}
	request.Header.Set("token", token)
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		log.Fatal(err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != 201 {
		log.Fatal(answer.Status)
	}
	created := map[string]any{}
	if err := json.NewDecoder(answer.Body).Decode(&created); err != nil {
		log.Fatal(err)
	}
	require(created, "instance", "message", "success")
	instance := created["instance"].(map[string]any)
	require(instance, "chatwoot", "createdAt", "id", "name", "numberJid", "proxy", "s3", "settings",
		"status", "token", "updatedAt", "webhook", "websocket")
	fmt.Println(instance["name"])
}
