import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { packageRoot } from '../../src/package-root.ts';
import { sqliteStore } from '../support/stores.ts';
import { useServer } from '../support/use-server.ts';

const shipped = (id: string): string => readFileSync(join(packageRoot(), 'tenants', `${id}.yaml`), 'utf8');
const deviceCode = 'urn:ietf:params:oauth:grant-type:device_code';

const server = await useServer({
  store: sqliteStore,
  tenants: { idle: { displayName: 'Idle' }, default: shipped('default'), acme: shipped('acme') },
});

const documentOf = async (id: string): Promise<Record<string, unknown>> => {
  const issuer = server.issuer(id);
  const response = await fetch(`${issuer}/.well-known/openid-configuration`);
  const text = (await response.text()).replaceAll(issuer, '<issuer>');
  return JSON.parse(text) as Record<string, unknown>;
};

/** What a tenant says of itself that has a client for each flow, all of them with secrets or public. */
const everything = {
  acr_values_supported: ['mfa', 'phr'],
  claim_types_supported: ['normal'],
  authorization_endpoint: '<issuer>/auth',
  authorization_response_iss_parameter_supported: true,
  backchannel_logout_session_supported: true,
  backchannel_logout_supported: true,
  claims_parameter_supported: false,
  claims_supported: expect.arrayContaining(['sub', 'email', 'groups', 'roles', 'auth_time']),
  code_challenge_methods_supported: ['S256'],
  device_authorization_endpoint: '<issuer>/device/auth',
  dpop_signing_alg_values_supported: ['ES256', 'Ed25519', 'EdDSA', 'RS256', 'PS256'],
  end_session_endpoint: '<issuer>/session/end',
  grant_types_supported: [
    'authorization_code',
    'refresh_token',
    'client_credentials',
    deviceCode,
    'password',
  ],
  id_token_signing_alg_values_supported: ['RS256'],
  introspection_endpoint: '<issuer>/token/introspection',
  issuer: '<issuer>',
  jwks_uri: '<issuer>/jwks',
  prompt_values_supported: ['none', 'login', 'consent', 'select_account'],
  pushed_authorization_request_endpoint: '<issuer>/request',
  request_uri_parameter_supported: false,
  response_modes_supported: ['form_post', 'fragment', 'query'],
  response_types_supported: ['code'],
  revocation_endpoint: '<issuer>/token/revocation',
  scopes_supported: ['openid', 'profile', 'email', 'groups', 'roles', 'offline_access', 'account'],
  subject_types_supported: ['public'],
  token_endpoint: '<issuer>/token',
  token_endpoint_auth_methods_supported: ['client_secret_basic', 'none'],
  ui_locales_supported: ['en', 'de'],
  userinfo_endpoint: '<issuer>/me',
};

describe('discovery', () => {
  it('of the tenant acme lists what its clients may use', async () => {
    expect(await documentOf('acme')).toEqual(everything);
  });

  it('of the tenant default also lists that everybody may make an account', async () => {
    expect(await documentOf('default')).toEqual({
      ...everything,
      prompt_values_supported: [...everything.prompt_values_supported, 'create'],
    });
  });

  it('of a tenant without clients lists no more than a sign-in', async () => {
    expect(await documentOf('idle')).toEqual({
      ...everything,
      device_authorization_endpoint: undefined,
      grant_types_supported: ['authorization_code'],
      scopes_supported: ['openid', 'profile', 'email', 'groups', 'roles', 'account'],
      token_endpoint_auth_methods_supported: ['none'],
    });
  });
});
