package proxy

import (
	"github.com/rs/zerolog"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// zapCore writes what certmagic has to say into our log. Its failures are told once more, by us and at level error, with
// what they mean; so here they are warnings.
type zapCore struct{ log zerolog.Logger }

func newZap(log zerolog.Logger) *zap.Logger { return zap.New(zapCore{log}) }

// Enabled serves zapcore.Core. What is below concerns nobody but certmagic's authors.
func (zapCore) Enabled(level zapcore.Level) bool { return level >= zapcore.WarnLevel }

// With serves zapcore.Core.
func (c zapCore) With(fields []zapcore.Field) zapcore.Core {
	return zapCore{c.log.With().Fields(plainFields(fields)).Logger()}
}

// Check serves zapcore.Core.
func (c zapCore) Check(entry zapcore.Entry, checked *zapcore.CheckedEntry) *zapcore.CheckedEntry {
	if c.Enabled(entry.Level) {
		return checked.AddCore(entry, c)
	}
	return checked
}

// Write serves zapcore.Core.
func (c zapCore) Write(entry zapcore.Entry, fields []zapcore.Field) error {
	c.log.Warn().Fields(plainFields(fields)).Msg("acme: " + entry.Message)
	return nil
}

// Sync serves zapcore.Core.
func (zapCore) Sync() error { return nil }

func plainFields(fields []zapcore.Field) map[string]any {
	encoder := zapcore.NewMapObjectEncoder()
	for _, f := range fields {
		f.AddTo(encoder)
	}
	return encoder.Fields
}
