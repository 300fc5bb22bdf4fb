import type { ServerSettings } from './config/server-settings.ts';
import type { Storage } from './storage/storage.ts';
import { issuerOf, type Tenant } from './tenants/tenant.ts';
import type { TenantRegistry } from './tenants/tenant-registry.ts';

/** So many tenants are named at the start; more are counted. */
const namedTenants = 20;

export interface BannerParts {
  readonly settings: ServerSettings;
  readonly storage: Pick<Storage, 'engine' | 'location'>;
  readonly tenants: TenantRegistry<Tenant>;
}

/** What somebody who just started the server wants to know. */
export const bannerLines = async ({
  settings,
  storage,
  tenants,
}: BannerParts): Promise<readonly string[]> => {
  const { publicUrl, host, port } = settings.server;
  const served = await tenants.list();
  const { broken } = tenants.status();
  const demos = served.filter(({ demo }) => demo);
  return [
    `Drawbridge serves ${publicUrl} (listening on ${host}:${port})`,
    '',
    ...served.slice(0, namedTenants).flatMap((definition) => {
      const issuer = issuerOf(definition, publicUrl);
      return [
        `  ${definition.displayName}${definition.demo ? ' (demo)' : ''}`,
        `    issuer   ${issuer}`,
        `    sign in  ${issuer}`,
      ];
    }),
    ...(served.length > namedTenants ? [`  … and ${served.length - namedTenants} more tenants`] : []),
    ...(served.length === 0 ? ['  No tenant is served. `npx --no drawbridge init` makes one.'] : []),
    ...broken.flatMap(({ id, faults }) => [
      `  tenant ${id} is broken:`,
      ...faults.map((fault) => `    ${fault}`),
    ]),
    '',
    `  data     ${storage.location} (${storage.engine})`,
    `  tenants  ${settings.tenants.directory}`,
    ...(demos.length > 0
      ? [
          '',
          '  Demo tenants have public passwords; the sign-in page shows them. `npm run demo` plays all flows.',
        ]
      : []),
  ];
};
