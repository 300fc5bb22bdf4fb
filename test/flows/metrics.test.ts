import { describe, expect, it } from '@jest/globals';
import { eventually } from '../support/eventually.ts';
import { type MetricsReading, readMetrics } from '../support/metrics-reading.ts';
import { introspect, tokenRequest, userinfo } from '../support/oauth-client.ts';
import { alice, migrator, ordersApi, sampleTenant } from '../support/sample-tenants.ts';
import { sqliteStore } from '../support/stores.ts';
import { freePort } from '../support/test-server.ts';
import { useServer } from '../support/use-server.ts';

const managementPort = await freePort();
const crowdPort = await freePort();
const server = await useServer({
  store: sqliteStore,
  settings: { management: { port: managementPort } },
  tenants: { acme: sampleTenant(), globex: sampleTenant() },
});
const crowd = await useServer({
  store: sqliteStore,
  settings: { management: { port: crowdPort, tenantLabels: 1 } },
  tenants: { acme: sampleTenant(), globex: sampleTenant() },
});
const acme = server.issuer('acme');
const signIn = (issuer: string, password: string = alice.password) =>
  tokenRequest(issuer, migrator, { grant_type: 'password', username: alice.username, password });

/** The last request is counted once its answer has been sent. */
const readOnce = async (port: number, isThere: (reading: MetricsReading) => boolean) => {
  let reading = await readMetrics(port);
  await eventually(
    'the requests are counted',
    async () => {
      reading = await readMetrics(port);
      return isThere(reading);
    },
    5000,
  );
  return reading;
};

describe('the numbers of the management listener', () => {
  it('count requests, grants, sign-ins, hashes of sources and the store', async () => {
    const good = await signIn(acme);
    expect(good.status).toBe(200);
    expect((await signIn(acme, 'wrong')).body.error).toBe('invalid_grant');
    await introspect(acme, ordersApi, String(good.body.access_token));
    await userinfo(acme, String(good.body.access_token));
    const requests = { route: '/oauth/:tenant/token', method: 'POST', tenant: 'acme' };
    const count = await readOnce(
      managementPort,
      ({ sum }) => sum('drawbridge_http_requests_total', requests) === 2,
    );
    expect(count.sum('drawbridge_http_requests_total', { ...requests, status: '200' })).toBe(1);
    expect(count.sum('drawbridge_http_request_seconds_count', { route: '/oauth/:tenant/me' })).toBe(1);
    const grants = { grant_type: 'password', tenant: 'acme' };
    expect(count.sum('drawbridge_grants_total', { ...grants, outcome: 'success' })).toBe(1);
    expect(count.sum('drawbridge_grants_total', { ...grants, outcome: 'invalid_grant' })).toBe(1);
    const signIns = { action: 'sign_in.password_grant', tenant: 'acme' };
    expect(count.sum('drawbridge_audit_events_total', { ...signIns, outcome: 'success' })).toBe(1);
    expect(count.sum('drawbridge_audit_events_total', { ...signIns, outcome: 'failure' })).toBe(1);
    for (const outcome of ['ok', 'credentials'])
      expect(count.sum('drawbridge_source_seconds_count', { source: 'local', outcome })).toBe(1);
    expect(count.sum('drawbridge_store_seconds_count', { part: 'artifacts' })).toBeGreaterThan(3);
    expect(count.sum('drawbridge_tenants', { state: 'files' })).toBe(2);
    expect(count.sum('drawbridge_tenants', { state: 'warm' })).toBe(1);
    expect(count.sum('nodejs_eventloop_lag_seconds')).toBeGreaterThanOrEqual(0);
    for (const secret of [alice.username, alice.password, String(good.body.access_token)])
      expect(count.text).not.toContain(secret);
  });

  it('get no labels from strangers', async () => {
    const paths = Array.from({ length: 20 }, (_, index) => `/stranger-${index}`);
    for (const path of paths) await fetch(`${server.publicUrl}${path}`, { method: 'PROPFIND' });
    await tokenRequest(acme, migrator, { grant_type: 'stranger' });
    const count = await readOnce(
      managementPort,
      ({ sum }) => sum('drawbridge_http_requests_total', { route: 'other' }) === 20,
    );
    expect(count.sum('drawbridge_grants_total', { grant_type: 'other' })).toBe(1);
    expect(count.text).not.toContain('stranger');
  });

  it('do not tell tenants apart where there are more than the operator wants', async () => {
    for (const tenant of ['acme', 'globex']) await signIn(crowd.issuer(tenant));
    const count = await readOnce(crowdPort, ({ sum }) => sum('drawbridge_grants_total') === 2);
    expect(count.values('drawbridge_grants_total', 'tenant')).toEqual(new Set(['']));
  });

  it('are nowhere but there', async () => {
    expect((await fetch(`${server.publicUrl}/metrics`)).status).toBe(404);
  });
});
