import type { Clock } from '../../clock.ts';
import type { LdapSource } from '../../config/source/source-definition.ts';
import type { Log } from '../../log.ts';
import type { Directory } from './directory.ts';

/** The source of one tenant, and the connections to its directory, which belong to the server. */
export interface LdapSourceParts {
  readonly source: LdapSource;
  readonly directory: Directory;
  readonly log: Log;
  readonly clock: Clock;
}
