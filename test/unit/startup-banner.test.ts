import { describe, expect, it } from '@jest/globals';
import type { GatewaySettings, ServiceTarget } from '../../src/config/gateway/gateway-definition.ts';
import { loadServerSettings } from '../../src/config/server/load-server-settings.ts';
import type { MailSettings } from '../../src/config/server/mail-settings.ts';
import { loadTenant } from '../../src/config/tenant/tenant-file.ts';
import { type BannerParts, bannerLines } from '../../src/server/startup-banner.ts';
import { serviceOf } from '../support/guarded-service.ts';

const settings = (() => {
  const loaded = loadServerSettings({ cwd: '/nowhere', env: {} });
  if ('faults' in loaded) throw new Error('the defaults are at fault');
  return loaded.settings;
})();

const define = (id: string) => {
  const loaded = loadTenant({ id, text: `displayName: Tenant ${id}\n`, path: `${id}.yaml`, env: {} });
  if ('faults' in loaded) throw new Error('the tenant is at fault');
  return loaded.definition;
};

const targetAt = (url: string): ServiceTarget => ({
  url,
  connectTimeoutMs: 1000,
  timeoutMs: 1000,
  idleTimeoutMs: 1000,
  hostHeader: 'public',
  authorization: 'none',
});

type Status = ReturnType<BannerParts['tenants']['status']>;

it('leads to the mails of a demo tenant that nothing sends', () => {
  const loaded = loadTenant({ id: 'shop', text: 'demo: true\n', path: 'shop.yaml', env: {} });
  if ('faults' in loaded) throw new Error('the tenant is at fault');
  const parts: BannerParts = {
    settings,
    storage: { engine: 'sqlite', location: 'data' },
    tenants: {
      known: () => [loaded.definition, define('real')],
      status: () => ({ files: 2, checked: 2, isChecked: true, warm: 0, broken: [], refused: [] }),
    },
    port: 3000,
  };
  const linesOf = (more: BannerParts): readonly string[] =>
    bannerLines(more).filter((line) => line.includes('demo-mail'));
  expect(linesOf(parts)).toEqual(['    mail     http://localhost:3000/oauth/shop/demo-mail']);
  const mail: MailSettings = {
    host: 'localhost',
    port: 25,
    tls: 'none',
    from: 'a@example.com',
    connections: 1,
    timeoutMs: 1,
  };
  expect(linesOf({ ...parts, settings: { ...settings, mail } })).toEqual([]);
});

const bannerOf = (
  ids: readonly string[],
  status: Partial<Status>,
  gateway: Partial<GatewaySettings> = {},
): string => {
  const known = ids.map(define);
  const whole = {
    files: ids.length,
    checked: ids.length,
    isChecked: true,
    warm: 0,
    broken: [],
    refused: [],
    ...status,
  };
  return bannerLines({
    settings: { ...settings, gateway: { ...settings.gateway, ...gateway } },
    storage: { engine: 'sqlite', location: 'data' },
    tenants: { known: () => known, status: () => whole },
    port: 3000,
  }).join('\n');
};

describe('bannerLines', () => {
  it('says of each tenant that is refused why', () => {
    const refused = [
      { id: 'demo', reason: 'It is a demo.' },
      { id: 'trial', reason: 'It is another.' },
    ];
    const banner = bannerOf(['acme'], { files: 3, refused });
    expect(banner).toContain('  Tenant demo is not served:\n    It is a demo.\n');
    expect(banner).toContain('  Tenant trial is not served:\n    It is another.\n');
    expect(banner).not.toContain('more tenant');
    expect(bannerOf(['acme'], { files: 3, refused, isChecked: false })).not.toContain('more tenant');
  });

  it('says where each service is, and what is behind it', () => {
    const services = [
      serviceOf('orders', { prefix: '/orders', target: targetAt('http://127.0.0.1:8080') }),
      serviceOf('wiki', { host: 'wiki.example.com' }),
    ];
    const banner = bannerOf(['acme'], {}, { services });
    expect(banner).toContain('    http://localhost:3000/orders  → http://127.0.0.1:8080\n');
    expect(banner).toContain('    http://wiki.example.com  behind another proxy\n');
    expect(bannerOf(['acme'], {})).not.toContain('Services');
  });

  it('begins with a warning while authentication is off', () => {
    expect(bannerOf(['acme'], {}, { enabled: false })).toMatch(
      /^Drawbridge serves .*\n\n {2}WARNING: .*AUTH_ENABLED=false/,
    );
    expect(bannerOf(['acme'], {})).not.toContain('WARNING');
  });

  it.each([
    [20, undefined],
    [21, '… and 1 more tenant\n'],
    [22, '… and 2 more tenants\n'],
  ])('names twenty of %i tenants and counts the others', (count, words) => {
    const banner = bannerOf(
      Array.from({ length: count }, (_, index) => `t${index}`),
      {},
    );
    expect(banner.match(/sign in/g)).toHaveLength(20);
    if (words === undefined) expect(banner).not.toContain('more tenant');
    else expect(banner).toContain(words);
  });
});
