// A server of its own with two tenants: the people of `branch` are kept at `head-office` and in a directory.
import type { BenchDirectory } from '../directory/start-slapd.ts';
import { type OwnServer, startOwnServer } from './own-server.ts';

const demoSecret = 'opens-only-this-short-lived-server-0123456789';
const appAt = 'https://app.example';

const headOffice = (url: string) => ({
  displayName: 'Head office',
  demo: true,
  resources: [{ identifier: 'https://api.example/head-office' }],
  clients: [
    {
      client_id: 'branch',
      client_name: 'The branch',
      client_secret: demoSecret,
      redirect_uris: [`${url}/oauth/branch/upstream/head-office/callback`],
      post_logout_redirect_uris: [`${url}/oauth/branch/upstream/head-office/signed-out`],
      firstParty: true,
    },
  ],
  users: [
    {
      username: 'alice',
      password: 'correct horse battery',
      email: 'alice@example.com',
      emailVerified: true,
      claims: { name: 'Alice Adams' },
    },
  ],
});

const branch = (url: string, directory: BenchDirectory | undefined) => ({
  displayName: 'Branch',
  demo: true,
  grants: { password: true },
  resources: [{ identifier: 'https://api.example/branch' }],
  sources: [
    { id: 'local', type: 'local' },
    {
      id: 'head-office',
      type: 'oidc',
      displayName: 'Head office',
      issuer: `${url}/oauth/head-office`,
      clientId: 'branch',
      clientSecret: demoSecret,
    },
    ...(directory === undefined ? [] : [ldapSource(directory)]),
  ],
  clients: [
    {
      client_id: 'web',
      client_name: 'Web app',
      client_secret: demoSecret,
      grant_types: ['authorization_code', 'refresh_token'],
      redirect_uris: [`${appAt}/callback`],
      post_logout_redirect_uris: [`${appAt}/signed-out`],
      firstParty: true,
    },
    { client_id: 'migrator', client_secret: demoSecret, grant_types: ['password'] },
  ],
  users: [{ username: 'janitor', password: 'works without a directory' }],
});

const ldapSource = (directory: BenchDirectory) => ({
  id: 'directory',
  type: 'ldap',
  displayName: 'Directory',
  url: directory.url,
  insecure: true,
  bind: directory.service,
  search: { base: directory.peopleBase },
  groups: { from: 'member', base: directory.groupsBase, nested: 'expand' },
  timeouts: { connect: '1s', operation: '2s' },
  mapping: [{ role: 'publisher', of: 'groups', equals: 'editors' }],
});

/** @throws Error with what the server said when it does not start */
export const openOffices = (directory: BenchDirectory | undefined): Promise<OwnServer> =>
  startOwnServer((url) => ({
    tenants: { 'head-office': headOffice(url), branch: branch(url, directory) },
  }));
