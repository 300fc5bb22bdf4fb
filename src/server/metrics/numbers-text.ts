import { AggregatorRegistry, type Registry } from 'prom-client';
import type { NumbersText } from '../health.ts';

/** Of one process that serves alone. */
export const ownNumbers = (registry: Registry): NumbersText => ({
  contentType: registry.contentType,
  text: () => registry.metrics(),
});

/**
 * In a worker: the primary asks all workers, this one too, and adds up their answers.
 * @param askPrimary resolves to what `createNumbersCollector` collects there
 */
export const sharedNumbers = (registry: Registry, askPrimary: () => Promise<string>): NumbersText => {
  AggregatorRegistry.setRegistries([registry]);
  const { contentType } = new AggregatorRegistry(); // from now on this process answers the primary
  return { contentType, text: askPrimary };
};

/** In the primary. The promise is rejected when a worker does not answer within five seconds. */
export const createNumbersCollector = (): (() => Promise<string>) => {
  const aggregator = new AggregatorRegistry();
  return () => aggregator.clusterMetrics();
};
