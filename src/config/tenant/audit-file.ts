import { definedOnly } from '../../defined-only.ts';
import type { PathFault } from '../parsing/fault.ts';
import type { SecretContext } from '../parsing/tls-material.ts';
import { loadSecret } from '../source/source-secrets.ts';
import type { AuditFile } from './audit-schema.ts';
import type { AuditRules } from './tenant-definition.ts';

export interface LoadedAudit {
  readonly audit: AuditRules;
  /** Paths begin at the file. */
  readonly faults: readonly PathFault[];
}

const shortestSecret = 16;
/** As Standard Webhooks writes a key. */
const base64Key = /^whsec_(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** Resolves the reference to the secret of the webhook. */
export const loadAudit = ({ retention, stream }: AuditFile, secrets: SecretContext): LoadedAudit => {
  const faults: PathFault[] = [];
  const rules = definedOnly({ retentionSeconds: retention });
  if (stream === undefined) return { audit: rules, faults };
  const { webhook, file } = stream;
  if (webhook === undefined) return { audit: { ...rules, stream: definedOnly({ file }) }, faults };
  const path = ['audit', 'stream', 'webhook', 'secret'];
  const secret = loadSecret(webhook.secret, path, { ...secrets, faults }) ?? '';
  const message = secret === '' ? undefined : faultOf(secret);
  if (message !== undefined) faults.push({ path, message });
  return {
    audit: { ...rules, stream: { webhook: { url: webhook.url, secret }, ...definedOnly({ file }) } },
    faults,
  };
};

const faultOf = (secret: string): string | undefined => {
  if (secret.startsWith('whsec_') && !base64Key.test(secret))
    return 'begins with whsec_ and is not Base64 behind it; make one with: echo "whsec_$(openssl rand -base64 32)"';
  return secret.length < shortestSecret
    ? `is shorter than ${shortestSecret} characters, and could be guessed; make one with: echo "whsec_$(openssl rand -base64 32)"`
    : undefined;
};
