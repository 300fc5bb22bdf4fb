import { stringify } from 'yaml';

/** What every target knows: the same clients and people. The secrets open nothing but these short-lived servers. */
export const redirectUri = 'https://app.example/callback';

export const webClient = {
  client_id: 'web',
  client_name: 'Web',
  client_secret: 'bench-only-secret-of-the-web-client',
  token_endpoint_auth_method: 'client_secret_basic',
  grant_types: ['authorization_code', 'refresh_token'],
  redirect_uris: [redirectUri],
  id_token_signed_response_alg: 'RS256',
} as const;

export const serviceClient = {
  client_id: 'service',
  client_name: 'Service',
  client_secret: 'bench-only-secret-of-the-service-client',
  token_endpoint_auth_method: 'client_secret_basic',
  grant_types: ['client_credentials'],
  redirect_uris: [],
} as const;

export const migratorClient = {
  client_id: 'migrator',
  client_name: 'Migrator',
  client_secret: 'bench-only-secret-of-the-migrator-client',
  token_endpoint_auth_method: 'client_secret_basic',
  grant_types: ['password', 'refresh_token'],
  redirect_uris: [],
  id_token_signed_response_alg: 'RS256',
} as const;

export const tvClient = {
  client_id: 'tv',
  client_name: 'TV',
  application_type: 'native',
  token_endpoint_auth_method: 'none',
  grant_types: ['urn:ietf:params:oauth:grant-type:device_code', 'refresh_token'],
  redirect_uris: [],
  id_token_signed_response_alg: 'RS256',
} as const;

export const clients = [webClient, serviceClient, migratorClient, tvClient] as const;

export interface Person {
  readonly username: string;
  readonly password: string;
  readonly email: string;
  readonly name: string;
}

/** More than there are callers by default, so that no two at once are the same person. */
export const people: readonly Person[] = Array.from({ length: 16 }, (_, number) => ({
  username: `person-${number}`,
  password: `bench-password-${number}`,
  email: `person-${number}@app.example`,
  name: `Person ${number}`,
}));

export const tenantId = 'bench';

const commonTenant = {
  demo: true,
  grants: { password: true },
  clients: clients.map((client) => ({ ...client, firstParty: true })),
};

/** One of many tenants, without people. */
export const plainTenantYaml = (displayName: string): string => stringify({ displayName, ...commonTenant });

/** The same, as a tenant's file. Allowances are out of the way: a few callers do the work of thousands of people. */
export const tenantYaml = (): string => {
  const plenty = { attempts: 1_000_000, window: '1s' };
  return stringify({
    displayName: 'Bench',
    ...commonTenant,
    users: people.map(({ username, password, email, name }) => ({
      username,
      password,
      email,
      emailVerified: true,
      claims: { name },
    })),
    throttle: {
      account: plenty,
      address: plenty,
      startAddress: plenty,
      userCodeSession: plenty,
      userCodeAddress: plenty,
      userCodeTenant: plenty,
    },
  });
};
