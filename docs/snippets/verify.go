package main

import (
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

func main() {
	webhook, err := standardwebhooks.NewWebhook(os.Getenv("SIGNING_SECRET"))
	if err != nil {
		log.Fatal(err)
	}
	receive := func(response http.ResponseWriter, request *http.Request) {
		// Verify the body as it was sent. Parsing and serialising it again breaks the signature.
		body, err := io.ReadAll(request.Body)
		if err != nil || webhook.Verify(body, request.Header) != nil {
			response.WriteHeader(http.StatusUnauthorized)
			return
		}
		var callback struct {
			JobID string            `json:"jobId"`
			Data  []json.RawMessage `json:"data"`
		}
		if json.Unmarshal(body, &callback) != nil {
			response.WriteHeader(http.StatusBadRequest)
			return
		}
		fmt.Println(callback.JobID, len(callback.Data))
		response.WriteHeader(http.StatusNoContent)
	}
	log.Fatal(http.ListenAndServe("127.0.0.1:"+os.Getenv("PORT"), http.HandlerFunc(receive)))
}
