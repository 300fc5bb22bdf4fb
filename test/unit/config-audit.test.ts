import { describe, expect, it } from '@jest/globals';
import { formatFault } from '../../src/config/parsing/fault.ts';
import { hashTenant, loadTenant } from '../../src/config/tenant/tenant-file.ts';

const secret = `whsec_${Buffer.from('a key of thirty-two random bytes').toString('base64')}`;
const env = { SECRET: secret, SHORT: 'too-short', BROKEN: 'whsec_not Base64 at all' };
const file = (audit: string) => ({
  ...{ id: 'acme', path: 'acme.yaml', env },
  text: `displayName: Acme\naudit: ${audit}\n`,
});
const rulesOf = (audit: string) => {
  const loaded = loadTenant(file(audit));
  if ('faults' in loaded) throw new Error(loaded.faults.map(formatFault).join('\n'));
  return loaded.definition.audit;
};
const webhook = (url: string, ref = 'env:SECRET') =>
  `{ stream: { webhook: { url: "${url}", secret: "${ref}" } } }`;

describe('audit in a tenant file', () => {
  it('has a retention, and receivers with the secret of the webhook', () => {
    expect(rulesOf('{}')).toEqual({});
    expect(rulesOf('{ retention: 365d }')).toEqual({ retentionSeconds: 365 * 86_400 });
    expect(rulesOf('{ stream: { file: /var/log/acme.jsonl } }')).toEqual({
      stream: { file: '/var/log/acme.jsonl' },
    });
    expect(rulesOf(webhook('https://siem.test/x'))).toEqual({
      stream: { webhook: { url: 'https://siem.test/x', secret } },
    });
    const options = file(webhook('https://siem.test/x'));
    expect(hashTenant({ ...options, env: { SECRET: `${secret}x` } })).not.toBe(hashTenant(options));
  });

  it.each([
    ['{ retention: 3h }', 'audit.retention: '],
    ['{ retention: forever }', 'audit.retention: '],
    ['{ stream: {} }', 'audit.stream: is empty; write webhook or file'],
    ['{ stream: { file: logs/acme.jsonl } }', 'audit.stream.file: is not an absolute path'],
    [webhook('http://siem.test/x'), 'audit.stream.webhook.url: is http and not a loopback address'],
    [webhook('https://siem.test/x', 'env:ABSENT'), 'audit.stream.webhook.secret: refers to the environment'],
    [webhook('https://siem.test/x', 'env:SHORT'), 'audit.stream.webhook.secret: is shorter than 16'],
    [webhook('https://siem.test/x', 'env:BROKEN'), 'audit.stream.webhook.secret: begins with whsec_'],
    [webhook('https://siem.test/x', secret), 'audit.stream.webhook.secret: '],
  ])('refuses %s', (audit, expected) => {
    const loaded = loadTenant(file(audit));
    const faults = 'faults' in loaded ? loaded.faults.map(({ path, message }) => `${path}: ${message}`) : [];
    expect(faults).toEqual([expect.stringContaining(expected)]);
    expect(faults.join('')).not.toContain(secret);
  });
});
