import quotes from '../mappers/quotes.ts';
import type { Job } from '../src/pipe.ts';
import type { ErpQuote } from '../src/sources/erp/model.ts';
import type { Systems } from '../src/systems.ts';

export default {
  pipe: 'quotes',
  system: 'erp',
  from: ({ erp }) => erp('quotes'),
  mapping: quotes,
  after: ['customers'],
  daily: '07:00',
  // All revisions of an opportunity make one deal: the latest wins, in whatever order they arrive.
  assembles: 'many-records',
} satisfies Job<Systems, ErpQuote>;
