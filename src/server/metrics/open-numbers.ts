import type { ServerSettings } from '../../config/server/server-settings.ts';
import type { Storage } from '../../storage/storage.ts';
import type { Tenant } from '../../tenants/tenant.ts';
import type { TenantRegistry } from '../../tenants/tenant-registry.ts';
import { derivedValue } from '../derived-value.ts';
import type { NumbersText } from '../health.ts';
import { measuredStorage } from './measured-storage.ts';
import { createMetrics, type Metrics } from './metrics.ts';
import { ownNumbers, sharedNumbers } from './numbers-text.ts';
import { addStateMetrics, type StateParts } from './state-metrics.ts';

export interface Numbers extends Pick<Metrics, 'requestAnswered' | 'grantAnswered' | 'passwordChecked'> {
  measure(storage: Storage): Storage;
  /** To be called once the tenants are known. */
  show(parts: StateParts & { readonly tenants: Pick<TenantRegistry<Tenant>, 'publicUrls'> }): NumbersText;
}

/** Undefined where no management listener would show them: then nothing is counted. */
export const openNumbers = (
  { management }: Pick<ServerSettings, 'management'>,
  askForNumbers: (() => Promise<string>) | undefined,
): Numbers | undefined => {
  if (management.port === 0) return undefined;
  let hasLabel = (): boolean => false;
  const metrics = createMetrics({ tenantLabel: (tenant) => (hasLabel() ? tenant : '') });
  const { registry, requestAnswered, grantAnswered, passwordChecked } = metrics;
  return {
    ...{ requestAnswered, grantAnswered, passwordChecked },
    measure: (storage) => measuredStorage(storage, metrics),
    show: (parts) => {
      const { tenants } = parts;
      hasLabel = derivedValue(tenants.publicUrls, () => tenants.status().files <= management.tenantLabels);
      addStateMetrics(registry, parts);
      return askForNumbers === undefined ? ownNumbers(registry) : sharedNumbers(registry, askForNumbers);
    },
  };
};
