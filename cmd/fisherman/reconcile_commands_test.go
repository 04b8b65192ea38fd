package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"

	"github.com/rogpeppe/go-internal/testscript"

	"fisherman/server"
)

// reconcileCommands are what scripts about a changing configuration can say:
//
//	wait-replicas SERVICE N            wait for a service to run with N healthy replicas; print their containers
//	wait-newest SERVICE KIND STATE     wait for the newest deployment of a service to be of a kind and in a state
func reconcileCommands() map[string]command {
	return map[string]command{"wait-replicas": waitReplicas, "wait-newest": waitNewest}
}

func waitReplicas(s *stage, _ *testscript.TestScript, args []string) (string, error) {
	want, err := strconv.Atoi(args[1])
	if err != nil {
		return "", err
	}
	var got server.Service
	err = until(args[0]+" to run "+args[1], func() (bool, error) {
		err := s.read("/api/v1/services/"+args[0], &got)
		return got.State == "running" && len(got.Replicas) == want, cmpErr(err, fmt.Sprintf("%+v", got))
	})
	var ids []string
	for _, r := range got.Replicas {
		ids = append(ids, r.Container)
	}
	slices.Sort(ids)
	return joined(ids), err
}

func waitNewest(s *stage, _ *testscript.TestScript, args []string) (string, error) {
	var got []server.Deployment
	return "", until(fmt.Sprint("the newest deployment to be ", args), func() (bool, error) {
		err := s.read("/api/v1/deployments?limit=1&service="+args[0], &got)
		is := len(got) == 1 && string(got[0].Trigger.Kind) == args[1] && string(got[0].State) == args[2]
		return is, cmpErr(err, fmt.Sprintf("%+v", got))
	})
}

// read asks the server, with the token.
func (s *stage) read(path string, into any) error {
	_, body, err := get(s.server.api, "", path)
	if err != nil {
		return err
	}
	return json.Unmarshal([]byte(body), into)
}
