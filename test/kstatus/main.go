// What kstatus, by which Flux and `helm install --wait` tell whether an object is done, says of objects.
//
// It reads one object a line as JSON from standard input, and writes a line of JSON for each, in the same order: status
// (Current, InProgress, Failed, Terminating, or Unknown when there is an error) and message.
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/cli-utils/pkg/kstatus/status"
)

type verdict struct {
	Status  status.Status `json:"status"`
	Message string        `json:"message"`
}

func main() {
	if err := judgeAll(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "kstatus:", err)
		os.Exit(1)
	}
}

func judgeAll(in io.Reader, out io.Writer) error {
	// Not a Scanner: it has a longest line.
	reader := bufio.NewReader(in)
	writer := bufio.NewWriter(out)
	encoder := json.NewEncoder(writer)
	for {
		line, err := reader.ReadBytes('\n')
		if len(line) > 0 {
			if err := encoder.Encode(judge(line)); err != nil {
				return err
			}
		}
		if errors.Is(err, io.EOF) {
			return writer.Flush()
		}
		if err != nil {
			return err
		}
	}
}

func judge(line []byte) verdict {
	object := &unstructured.Unstructured{}
	// Not encoding/json: it makes every number a float, and kstatus wants a generation to be an integer.
	if err := object.UnmarshalJSON(line); err != nil {
		return verdict{status.UnknownStatus, err.Error()}
	}
	result, err := status.Compute(object)
	if err != nil {
		return verdict{status.UnknownStatus, err.Error()}
	}
	return verdict{result.Status, result.Message}
}
