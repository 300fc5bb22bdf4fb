import type { Clock } from '../../clock.ts';
import type { LdapSource } from '../../config/source/source-definition.ts';
import type { Log } from '../../log.ts';
import type { Directory } from './directory.ts';

/** One tenant's source, and the connections to its directory, which are not the tenant's. */
export interface LdapSourceParts {
  readonly source: LdapSource;
  readonly directory: Directory;
  readonly log: Log;
  readonly clock: Clock;
}
