import type { ServerSettings } from '../config/server/server-settings.ts';
import { authenticationOffWarning } from '../gateway/authentication-off.ts';
import { createServices } from '../gateway/decision/services.ts';
import { mailModeOf } from '../mail/open-mail.ts';
import type { Storage } from '../storage/storage.ts';
import { issuerOf } from '../tenants/issuer.ts';
import type { Tenant } from '../tenants/tenant.ts';
import type { TenantRegistry } from '../tenants/tenant-registry.ts';

/** Number of tenants that the banner names; further ones are counted. */
const namedTenants = 20;
/** The same for services. */
const namedServices = 20;

export interface BannerParts {
  readonly settings: ServerSettings;
  readonly storage: Pick<Storage, 'engine' | 'location'>;
  readonly tenants: Pick<TenantRegistry<Tenant>, 'known' | 'status'>;
  /** The port that is listened on. */
  readonly port: number;
}

/** The banner for the person who starts the server, with the tenants whose files were read by now. */
export const bannerLines = ({ settings, storage, tenants, port }: BannerParts): readonly string[] => {
  const { publicUrl, host } = settings.server;
  const known = [...tenants.known()].sort((a, b) => a.id.localeCompare(b.id));
  const { files, broken, refused, isChecked } = tenants.status();
  const named = known.slice(0, namedTenants);
  const others = (isChecked ? known.length : files - refused.length) - named.length;
  return [
    `Drawbridge serves ${publicUrl} (listening on ${host}:${port})`,
    ...(settings.gateway.enabled ? [] : ['', `  WARNING: ${authenticationOffWarning}.`]),
    '',
    ...named.flatMap((definition) => {
      const issuer = issuerOf(definition, publicUrl);
      return [
        `  ${definition.displayName}${definition.demo ? ' (demo)' : ''}`,
        `    issuer   ${issuer}`,
        `    sign in  ${issuer}`,
        ...(mailModeOf(definition, settings.mail) === 'shown' ? [`    mail     ${issuer}/demo-mail`] : []),
      ];
    }),
    ...(others > 0 ? [`  … and ${others} more ${others === 1 ? 'tenant' : 'tenants'}`] : []),
    ...(files === 0
      ? [`  There is no tenant in ${settings.tenants.directory}. \`npx --no drawbridge init\` makes one.`]
      : []),
    ...broken
      .slice(0, namedTenants)
      .flatMap(({ id, faults }) => [
        `  Tenant ${id} is broken and not served until its file is right:`,
        ...faults.map((fault) => `    ${fault}`),
      ]),
    ...refused
      .slice(0, namedTenants)
      .flatMap(({ id, reason }) => [`  Tenant ${id} is not served:`, `    ${reason}`]),
    ...serviceLines(settings),
    '',
    `  data     ${storage.location} (${storage.engine})`,
    `  tenants  ${settings.tenants.directory}${isChecked ? '' : ' (still being checked)'}`,
    ...(known.some(({ demo }) => demo)
      ? [
          '',
          '  Demo tenants have public passwords; the sign-in page shows them. `npm run demo` plays all flows,',
          '  `npx --no drawbridge init` makes a tenant of your own.',
        ]
      : []),
  ];
};

/** The public URL of each service of the gateway. */
const serviceLines = ({ gateway, server }: ServerSettings): readonly string[] => {
  const { originOf } = createServices(gateway.services, server.publicUrl);
  const named = gateway.services.slice(0, namedServices);
  const others = gateway.services.length - named.length;
  return [
    ...(named.length === 0 ? [] : ['', '  Services']),
    ...named.map((service) => {
      const address = `${originOf(service)}${service.prefix ?? ''}`;
      return `    ${address}  ${service.target === undefined ? 'behind another proxy' : `→ ${service.target.url}`}`;
    }),
    ...(others > 0 ? [`    … and ${others} more`] : []),
  ];
};
