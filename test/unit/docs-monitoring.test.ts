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
    auditStreaming: { waiting: () => ({}) },
    connections: { openDirectoryConnections: () => 0 },
    readiness: { services: () => [], breachedListCounts: { asked: 0, unanswered: 0 } },
  });
  return registry.getMetricsAsArray().filter(({ name }) => name.startsWith('drawbridge_'));
};

/** Prometheus's own library has them on every metric, its types do not. */
const labelsOf = (metric: object): readonly unknown[] =>
  (metric as { readonly labelNames?: readonly string[] }).labelNames ?? [];

it('docs/monitoring.md lists the numbers that are in the code, with their labels', async () => {
  const listed = [...page.matchAll(/^\| `(drawbridge_\w+)` \| (.+?) \|/gm)].map(([, name, labels = '']) => [
    name,
    labels.match(/\w+/g),
  ]);
  expect(listed).toEqual((await registered()).map((metric) => [metric.name, labelsOf(metric)]));
});

it.each([
  ['prometheus/alerts.yaml', /^ +expr: (.+)$/gm, 8],
  ['grafana/drawbridge.json', /"expr": "(.+)",$/gm, 16],
] as const)('deploy/%s asks for numbers and labels that exist', async (file, form, atLeast) => {
  const metrics = await registered();
  const text = readFileSync(join(packageRoot(), 'deploy', file), 'utf8');
  const expressions = [...text.matchAll(form)].map(([, expression = '']) =>
    expression.replaceAll('\\"', '"'),
  );
  expect(expressions.length).toBeGreaterThanOrEqual(atLeast);
  const unknown = expressions.flatMap((expression) =>
    [...expression.matchAll(/(drawbridge_\w+)(?:\{([^}]*)\})?/g)].flatMap(
      ([, series = '', matchers = '']) => {
        const found = metrics.find(({ name }) => name === series.replace(/_(?:bucket|count|sum)$/, ''));
        if (found === undefined) return [series];
        const labels = [...matchers.matchAll(/(\w+)=~?"/g)].map(([, label]) => label);
        return labels
          .filter((label) => !labelsOf(found).includes(label))
          .map((label) => `${series} ${label}`);
      },
    ),
  );
  expect(unknown).toEqual([]);
});
