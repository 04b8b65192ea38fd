package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"fisherman/deployer"
	"fisherman/server"
	"fisherman/server/client"
)

// searched is how many deployments are looked through for one that is not named in full: the most that the server lists.
const searched = 1000

// findDeployment finds the deployment that a person means: by its id, or by the beginning or the end of it where that is
// only one's.
func findDeployment(ctx context.Context, c *client.Client, word string) (server.Deployment, error) {
	word = strings.TrimPrefix(word, "…") // as a narrow table shows it
	if word == "" {                      // a script's variable that is not set
		return server.Deployment{}, usageError{errors.New("a deployment's id is empty; `fisherman history` lists them")}
	}
	d, err := c.Deployment(ctx, word)
	var refused *client.Error
	if !errors.As(err, &refused) || refused.Status != http.StatusNotFound {
		return d, err
	}
	all, failed := c.Deployments(ctx, "", searched)
	if failed != nil {
		return d, failed
	}
	switch found := alike(all, word); len(found) {
	case 0:
		return d, unknownDeployment(all, word)
	case 1:
		return found[0], nil
	default:
		return d, fmt.Errorf("%d deployments begin or end with %q, the newest is %s of %s; write more of the id (`fisherman history` lists them)",
			len(found), word, found[0].ID, found[0].Service)
	}
}

// alike are the deployments whose id begins or ends with a word.
func alike(all []server.Deployment, word string) (found []server.Deployment) {
	word = strings.ToUpper(word)
	for _, d := range all {
		if strings.HasPrefix(d.ID, word) || strings.HasSuffix(d.ID, word) {
			found = append(found, d)
		}
	}
	return found
}

func unknownDeployment(all []server.Deployment, word string) error {
	ids := make([]string, len(all))
	for i, d := range all {
		ids[i] = d.ID
	}
	meant := ""
	if near := deployer.Nearest(word, ids); len(near) > 0 {
		meant = "; did you mean " + near[0] + "?"
	}
	return fmt.Errorf("there is no deployment %q%s (`fisherman history` lists them)", word, meant)
}
