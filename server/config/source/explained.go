package source

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// explained says why an object could not be read and what to do. What S3 says beside that, such as the ids of requests, differs
// each time and is left out.
func explained(of place, err error) error {
	var said smithy.APIError
	if errors.As(err, &said) {
		if remedy, kind := known(said.ErrorCode()); kind != nil {
			if errors.Is(kind, errSame) {
				return errSame
			}
			return fmt.Errorf("%s %w: S3 says %s; %s", of, kind, said.ErrorCode(), fmt.Sprintf(remedy, of.bucket))
		}
	}
	switch status, code := answered(err); {
	case status == http.StatusForbidden, status == http.StatusUnauthorized:
		return fmt.Errorf("%s %w: S3 answers %d %s; let this role or user have s3:GetObject on it", of, ErrRefused, status, code)
	case status != 0:
		return fmt.Errorf("%s %w: S3 answers %d %s; is it well, and the endpoint right (AWS_ENDPOINT_URL)?", of, ErrAway, status, code)
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("%s %w: no answer in time; is the network well, and the endpoint right (AWS_ENDPOINT_URL)?", of, ErrAway)
	case errors.Is(err, context.Canceled):
		return fmt.Errorf("%s: %w", of, context.Canceled)
	case errors.As(err, new(*smithyhttp.RequestSendError)), errors.As(err, new(*net.OpError)):
		return fmt.Errorf("%s %w: %w; is the network well, and the endpoint right (AWS_ENDPOINT_URL)?", of, ErrAway, innermost(err))
	case errors.As(err, new(*smithy.OperationError)):
		return fmt.Errorf("%s %w: %w; are there AWS credentials (a role, AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY)?",
			of, ErrRefused, innermost(err))
	}
	return fmt.Errorf("%s %w: %w; it is tried again", of, ErrAway, err)
}

// answered is the status of S3's answer, and its word for what is wrong; 0 when there was none.
func answered(err error) (status int, code string) {
	var answer *awshttp.ResponseError
	if !errors.As(err, &answer) || answer.Response == nil || answer.Response.Response == nil {
		return 0, ""
	}
	status = answer.HTTPStatusCode()
	code = http.StatusText(status)
	if said := smithy.APIError(nil); errors.As(err, &said) {
		code = said.ErrorCode()
	}
	return status, code
}

// known are the answers of S3 (Amazon S3 API reference, "Error responses") that say what is to be done. remedy has one
// place for the bucket.
func known(code string) (remedy string, kind error) {
	for _, k := range []struct {
		codes  []string
		kind   error
		remedy string
	}{
		{[]string{"NotModified"}, errSame, "%s"},
		{[]string{"NoSuchKey", "NotFound"}, ErrAbsent, "upload it to the bucket %s, or name another key"},
		{[]string{"NoSuchBucket"}, ErrAbsent, "there is no bucket %s at this endpoint; make it, or name another"},
		{[]string{"AccessDenied", "AllAccessDisabled"}, ErrRefused, "let this role or user have s3:GetObject on it, and s3:ListBucket on %s to tell what is absent from what is forbidden"},
		{[]string{"InvalidAccessKeyId", "SignatureDoesNotMatch", "InvalidToken"}, ErrRefused, "these are not the credentials for %s; correct AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or the role"},
		{[]string{"ExpiredToken", "TokenRefreshRequired"}, ErrRefused, "the credentials for %s have expired; renew them"},
		{[]string{"RequestTimeTooSkewed"}, ErrRefused, "set this machine's clock, which %s's is far from"},
		{[]string{"PermanentRedirect", "TemporaryRedirect", "AuthorizationHeaderMalformed", "IllegalLocationConstraintException"}, ErrRefused, "the bucket %s is in another region; set AWS_REGION to it"},
		{[]string{"InvalidObjectState"}, ErrRefused, "it is archived; restore it in the bucket %s first"},
	} {
		for _, c := range k.codes {
			if c == code {
				return k.remedy, k.kind
			}
		}
	}
	return "", nil
}

// innermost is what went wrong at the bottom of what the SDK wraps around it.
func innermost(err error) error {
	for {
		next := errors.Unwrap(err)
		if next == nil {
			return err
		}
		err = next
	}
}
