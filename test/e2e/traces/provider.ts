// Loaded before the operator's bundle, as a user loads an SDK. It has an OpenTelemetry API of its own, not the bundle's.
import { appendFileSync } from 'node:fs';
import { context, trace } from '@opentelemetry/api';
import { AsyncContextManager, RecordingTracerProvider } from '../../support/recording-tracer.ts';

const file = process.env['SPANS_FILE'] ?? '';

context.setGlobalContextManager(new AsyncContextManager());
trace.setGlobalTracerProvider(
  new RecordingTracerProvider((span) => appendFileSync(file, `${JSON.stringify(span)}\n`)),
);
