import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { parse } from 'yaml';
import { checkConfig } from '../../src/config/check-config.ts';
import { jsonSchemaFiles } from '../../src/config/json-schemas.ts';
import { loadServerSettings } from '../../src/config/server/load-server-settings.ts';
import { settingsTable } from '../../src/config/server/settings-table.ts';
import { loadTenant } from '../../src/config/tenant/tenant-file.ts';
import { packageRoot } from '../../src/package-root.ts';

const root = packageRoot();
const read = (path: string): string => readFileSync(join(root, path), 'utf8');

const define = (id: string) => {
  const path = `tenants/${id}.yaml`;
  const loaded = loadTenant({ id, path, text: read(path), env: {} });
  if ('faults' in loaded) throw new Error(JSON.stringify(loaded.faults));
  return loaded.definition;
};

describe('what ships', () => {
  it('has no faults and no warnings', () => {
    expect(checkConfig({ cwd: root, env: {} })).toMatchObject({ faults: [], warnings: [], tenantCount: 2 });
  });

  it.each(Object.entries(jsonSchemaFiles()))(
    'has config/%s as `npm run generate` writes it',
    (name, text) => {
      expect(read(`config/${name}`)).toBe(text);
    },
  );

  it('names each setting in config/server.yaml, with its default', () => {
    const text = read('config/server.yaml');
    const file = parse(text) as Record<string, Record<string, unknown>>;
    for (const setting of settingsTable()) {
      const [section = '', key = ''] = setting.name.split('.');
      const value = file[section]?.[key];
      if (setting.default === undefined) expect(text).toMatch(new RegExp(`^ +# ${key}: `, 'm'));
      else
        expect([setting.name, typeof value === 'string' ? value : JSON.stringify(value)]).toEqual([
          setting.name,
          setting.default,
        ]);
    }
  });

  it('means with config/server.yaml what no file at all means', () => {
    const withFile = loadServerSettings({ cwd: root, env: {}, cores: 2 });
    const without = loadServerSettings({ cwd: root, env: {}, cores: 2, file: '/dev/null' });
    if ('faults' in withFile || 'faults' in without) throw new Error('should load');
    expect(withFile.settings).toEqual(without.settings);
  });

  it('describes each setting and gives it a variable of its own', () => {
    const table = settingsTable();
    expect(table.filter(({ description }) => description.length < 10)).toEqual([]);
    expect(new Set(table.map(({ env }) => env)).size).toBe(table.length);
    expect(table.map(({ env }) => env)).toEqual(
      expect.arrayContaining([
        'DRAWBRIDGE_SERVER__PUBLIC_URL',
        'DRAWBRIDGE_SERVER__PORT',
        'DRAWBRIDGE_SERVER__SECRET_KEY',
        'DRAWBRIDGE_STORAGE__URL',
        'DRAWBRIDGE_TENANTS__DIRECTORY',
      ]),
    );
  });

  it.each(['default', 'acme'])('has a demo tenant %s with a client for each flow', (id) => {
    const { demo, clients, resources, users, grants } = define(id);
    expect({ demo, grants }).toEqual({ demo: true, grants: { password: true } });
    expect(clients.map(({ metadata }) => metadata.client_id)).toEqual([
      'native-app',
      'web',
      'partner',
      'migrator',
      'tv',
      'service',
    ]);
    expect(resources.map(({ format }) => format)).toEqual(['jwt', 'opaque']);
    expect(users.map(({ username }) => username)).toEqual(expect.arrayContaining(['alice', 'bob']));
    expect(users.filter(({ password }) => password.length < 12)).toEqual([]);
  });

  it('shares no secret and no password between the two', () => {
    const secrets = ['default', 'acme'].flatMap((id) => {
      const { clients, users } = define(id);
      return [
        ...clients.flatMap(({ metadata }) => metadata.client_secret ?? []),
        ...users.map(({ password }) => password),
      ];
    });
    expect(new Set(secrets).size).toBe(secrets.length);
  });

  it('points each tenant file to its schema', () => {
    for (const id of ['default', 'acme'])
      expect(read(`tenants/${id}.yaml`).split('\n')[0]).toBe(
        '# yaml-language-server: $schema=../config/tenant.schema.json',
      );
  });
});
