import { Gauge, type Registry } from 'prom-client';
import type { SourceConnections } from '../../connectors/open-connectors.ts';
import type { PasswordHasher } from '../../crypto/password-hasher.ts';
import type { Tenant } from '../../tenants/tenant.ts';
import type { TenantRegistry } from '../../tenants/tenant-registry.ts';
import type { AuditStreaming } from '../audit-streaming.ts';
import type { Readiness } from '../health.ts';

export interface StateParts {
  readonly tenants: Pick<TenantRegistry<Tenant>, 'status'>;
  readonly hasher: Pick<PasswordHasher, 'load'>;
  readonly connections: Pick<SourceConnections, 'openDirectoryConnections'>;
  readonly auditStreaming: Pick<AuditStreaming, 'waiting'>;
  readonly readiness: Pick<Readiness, 'services' | 'breachedListCounts'>;
}

type Values = Readonly<Record<string, number>>;

/** What is looked at whenever the numbers are asked for. Across workers `tenants` and `service_up` are the same, the others add up. */
export const addStateMetrics = (registry: Registry, parts: StateParts): void => {
  const { tenants, hasher, connections, readiness, auditStreaming } = parts;
  const add = (
    gauge: { readonly name: string; readonly help: string; readonly label: string; readonly same?: boolean },
    look: () => Values,
  ): void => {
    new Gauge({
      name: `drawbridge_${gauge.name}`,
      help: gauge.help,
      labelNames: [gauge.label],
      aggregator: gauge.same === true ? 'max' : 'sum',
      registers: [registry],
      collect() {
        this.reset();
        for (const [value, count] of Object.entries(look())) this.set({ [gauge.label]: value }, count);
      },
    });
  };

  add({ name: 'tenants', help: 'Tenants by state; `files` are all.', label: 'state', same: true }, () => {
    const { files, checked, warm, broken, refused } = tenants.status();
    return { files, checked, warm, broken: broken.length, refused: refused.length };
  });
  add(
    {
      name: 'service_up',
      help: '1 while the target of a service of the built-in proxy answers.',
      label: 'service',
      same: true,
    },
    () => Object.fromEntries(readiness.services().map(({ service, isUp }) => [service, isUp ? 1 : 0])),
  );
  add(
    {
      name: 'audit_stream_waiting',
      help: 'Audit records that a receiver does not have yet, of the tenant with the most.',
      label: 'receiver',
      same: true,
    },
    () => auditStreaming.waiting(),
  );
  add({ name: 'password_hashes', help: 'Password hashes that run or wait.', label: 'state' }, () => ({
    ...hasher.load(),
  }));
  add({ name: 'directory_connections', help: 'Connections to directories.', label: 'state' }, () => ({
    open: connections.openDirectoryConnections(),
  }));
  add({ name: 'breached_list', help: 'Questions to lists of breached passwords.', label: 'outcome' }, () => ({
    ...readiness.breachedListCounts,
  }));
};
