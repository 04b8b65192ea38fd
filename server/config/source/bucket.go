package source

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/feature/ec2/imds"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// errSame is returned for an object that has not changed (RFC 9110, 304 Not Modified).
var errSame = errors.New("has not changed")

// buckets reads objects with the AWS SDK's own ways to find credentials, region and endpoint
// (https://docs.aws.amazon.com/sdkref/latest/guide/settings-reference.html). The zero value is ready.
type buckets struct {
	mu     sync.Mutex // guards client
	client *s3.Client // made when it is needed first: a server without S3 asks nobody for credentials
}

// get reads an object, one byte more than MaxSize at most. With an etag it asks for another version than that.
func (b *buckets) get(ctx context.Context, from place, etag string) (raw []byte, version string, err error) {
	client, err := b.open(ctx)
	if err != nil {
		return nil, "", fmt.Errorf("%s: %w", from, err)
	}
	ask := &s3.GetObjectInput{Bucket: &from.bucket, Key: &from.key}
	if etag != "" {
		ask.IfNoneMatch = &etag
	}
	answer, err := client.GetObject(ctx, ask)
	if err != nil {
		return nil, "", explained(from, err)
	}
	defer func() { err = errors.Join(err, answer.Body.Close()) }()
	if raw, err = io.ReadAll(io.LimitReader(answer.Body, MaxSize+1)); err != nil {
		return nil, "", explained(from, err)
	}
	return raw, aws.ToString(answer.ETag), nil
}

func (b *buckets) open(ctx context.Context) (*s3.Client, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.client != nil {
		return b.client, nil
	}
	c, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return nil, fmt.Errorf("the AWS settings cannot be used: %w; see AWS_PROFILE and AWS_CONFIG_FILE", err)
	}
	client := s3.NewFromConfig(c, func(o *s3.Options) {
		o.DisableLogOutputChecksumValidationSkipped = true
		// Whoever names an endpoint has a server of one name, not a name for each bucket.
		o.UsePathStyle = o.BaseEndpoint != nil
		if o.Region == "" {
			o.Region = region(ctx, c, o.BaseEndpoint != nil)
		}
	})
	if client.Options().Region == "" {
		return nil, errors.New("no AWS region is known: set AWS_REGION to that of the bucket")
	}
	b.client = client
	return client, nil
}

// region is where a bucket is believed to be that nobody has said the region of: another server does not mind, an instance
// on EC2 knows its own.
func region(ctx context.Context, c aws.Config, elsewhere bool) string {
	if elsewhere {
		return "us-east-1"
	}
	ctx, stop := context.WithTimeout(ctx, 3*time.Second)
	defer stop()
	found, err := imds.NewFromConfig(c).GetRegion(ctx, &imds.GetRegionInput{})
	if err != nil {
		return ""
	}
	return found.Region
}
