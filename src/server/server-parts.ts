import type { ServerSettings } from '../config/server/server-settings.ts';
import type { MasterKey } from '../crypto/master-key.ts';
import type { PasswordHasher } from '../crypto/password-hasher.ts';
import type { Storage } from '../storage/storage.ts';
import type { Tenant } from '../tenants/tenant.ts';
import type { TenantRegistry } from '../tenants/tenant-registry.ts';
import type { FormNotices } from '../web/form-notice.ts';
import type { Pages } from '../web/pages.ts';
import type { RequestLogOptions } from '../web/request-log.ts';
import type { Readiness } from './health.ts';
import type { OpenGateway } from './open-gateway.ts';
import type { PublicHosts } from './public-hosts.ts';

/** The parts of the server; a test may substitute any of them. */
export interface ServerParts extends RequestLogOptions {
  readonly settings: ServerSettings;
  readonly storage: Storage;
  readonly masterKey: MasterKey;
  readonly hasher: PasswordHasher;
  readonly pages: Pages;
  readonly notices: FormNotices;
  /** The folder `views`. */
  readonly viewsDirectory: string;
  readonly tenants: TenantRegistry<Tenant>;
  readonly hosts: PublicHosts;
  readonly readiness: Readiness;
  readonly gateway: Pick<OpenGateway, 'services' | 'handOver' | 'cookie'>;
}
