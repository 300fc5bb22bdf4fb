import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import { packageRoot } from '../../src/package-root.ts';
import { createMetrics } from '../../src/server/metrics/metrics.ts';
import { addStateMetrics } from '../../src/server/metrics/state-metrics.ts';

const page = readFileSync(join(packageRoot(), 'docs', 'monitoring.md'), 'utf8');

const registered = async () => {
  const { registry } = createMetrics({ tenantLabel: (tenant) => tenant });
  addStateMetrics(registry, {
    tenants: {
      status: () => ({ files: 0, checked: 0, isChecked: true, warm: 0, broken: [], refused: [] }),
    },
    hasher: { load: () => ({ running: 0, waiting: 0 }) },
    connections: { openDirectoryConnections: () => 0 },
    readiness: { services: () => [], breachedListCounts: { asked: 0, unanswered: 0 } },
  });
  return registry.getMetricsAsArray().filter(({ name }) => name.startsWith('drawbridge_'));
};

it('docs/monitoring.md lists the numbers that are in the code, with their labels', async () => {
  const listed = [...page.matchAll(/^\| `(drawbridge_\w+)` \| (.+?) \|/gm)].map(([, name, labels = '']) => [
    name,
    labels.match(/\w+/g),
  ]);
  expect(listed).toEqual(
    (await registered()).map((metric) => [metric.name, (metric as { labelNames?: string[] }).labelNames]),
  );
});

it('its expressions name numbers that exist', async () => {
  const names = new Set((await registered()).map(({ name }) => name));
  const used = [...page.matchAll(/^\| [^|]+ \| `(.*)` \|$/gm)].flatMap(([, expression = '']) =>
    [...expression.matchAll(/drawbridge_\w+/g)].map(([name]) => name.replace(/_(?:bucket|count|sum)$/, '')),
  );
  expect(used.length).toBeGreaterThan(5);
  expect(used.filter((name) => !names.has(name))).toEqual([]);
});
