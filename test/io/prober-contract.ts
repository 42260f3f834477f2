/** What every Prober does: io/'s on the network, and testing/'s by a script. */
import { expect } from 'chai';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { errnoNumber } from '../../lib/errors.ts';
import type {
  ExchangeProbeRequest,
  PingProbeRequest,
  ProbeReply,
  Prober,
  ResponseReader,
  TcpProbeRequest,
} from '../../lib/health/probe.ts';

/** A reader that wants everything up to a line feed, and remembers it. */
export class LineReader implements ResponseReader {
  text = '';

  read(bytes: Uint8Array): boolean {
    this.text += new TextDecoder().decode(bytes);
    return this.text.includes('\n');
  }
}

/** Targets that behave as their name says, made anew for each test. */
export interface ProberUnderTest {
  readonly prober: Prober;
  /** Lets things happen until `until` holds, at most for a few seconds. */
  wait(until: () => boolean): Promise<void>;
  /** Lets at least so many milliseconds pass. */
  pass(ms: number): Promise<void>;
  accepting(): Promise<TcpProbeRequest>;
  refusing(): Promise<TcpProbeRequest>;
  /** Takes 30 ms for its time limit. */
  unanswered(): Promise<TcpProbeRequest>;
  /** Cannot be asked from this machine. */
  impossible(): Promise<TcpProbeRequest>;
  /** Sends these pieces, then ends the connection unless `open`. With `open` the time limit of a step is 200 ms. */
  responding(pieces: readonly string[], open?: 'open'): Promise<ExchangeProbeRequest>;
  /** Absent where this machine may not ping. */
  readonly echoing?: () => PingProbeRequest;
  cleanup(): Promise<void>;
}

export function proberContract(name: string, make: () => Promise<ProberUnderTest>): void {
  describe(`${name} keeps the contract of Prober`, () => {
    let subject: ProberUnderTest;
    beforeEach(async () => {
      subject = await make();
    });
    afterEach(() => subject.cleanup());

    /** The one reply to a request; checks that it is the only one and does not come at once. */
    async function replyTo(request: Parameters<Prober['start']>[0]): Promise<ProbeReply> {
      const replies: ProbeReply[] = [];
      const cancel = subject.prober.start(request, (reply) => replies.push(reply));
      expect(replies, 'replies from within start()').to.deep.equal([]);
      await subject.wait(() => replies.length > 0);
      cancel();
      cancel();
      await subject.pass(2);
      expect(replies).to.have.length(1);
      return replies[0]!;
    }

    it('is done when a connection is there, and tells how long it took', async () => {
      const reply = await replyTo(await subject.accepting());
      expect(reply.kind).to.equal('done');
      expect(reply.kind === 'done' && reply.elapsedMs).to.be.within(0, 1000);
    });

    it('gives the errno when the connection is refused', async () => {
      expect(await replyTo(await subject.refusing())).to.deep.equal({
        ...{ kind: 'refused', errno: errnoNumber('ECONNREFUSED'), during: 'connect' },
      });
    });

    it('gives up at the time limit', async () => {
      expect(await replyTo(await subject.unanswered())).to.deep.equal({
        ...{ kind: 'timeout', timeoutMs: 30, during: 'connect' },
      });
    });

    it('tells a failure of this machine from one of the target, and not from within start() either', async () => {
      const reply = await replyTo(await subject.impossible());
      expect(reply.kind).to.equal('local-failure');
      expect(reply.kind === 'local-failure' && reply.error.code).to.be.oneOf(['ERR_SYSTEM_CALL', 'ERR_PERMISSION']);
    });

    it('says nothing more after it was cancelled', async () => {
      const requests = [
        await subject.accepting(),
        await subject.refusing(),
        await subject.unanswered(),
        await subject.impossible(),
        await subject.responding(['ok\n']),
      ];
      const replies: ProbeReply[] = [];
      for (const request of requests) subject.prober.start(request, (reply) => replies.push(reply))();
      await subject.pass(60);
      expect(replies).to.deep.equal([]);
    });

    it('can be cancelled while it is under way, and then says nothing', async () => {
      const replies: ProbeReply[] = [];
      const cancel = subject.prober.start(await subject.responding(['half'], 'open'), (reply) => replies.push(reply));
      await subject.pass(10);
      cancel();
      await subject.pass(60);
      expect(replies).to.deep.equal([]);
    });

    it('may be asked again from within a reply', async () => {
      const request = await subject.accepting();
      let done = 0;
      const ask = (): void => {
        subject.prober.start(request, () => {
          if (++done < 3) ask();
        });
      };
      ask();
      await subject.wait(() => done === 3);
    });

    it('uses one request for many probes at a time', async () => {
      const request = await subject.responding(['ok\n']);
      const readers = new Set<unknown>();
      for (let i = 0; i < 20; i++) {
        subject.prober.start(request, (reply) => {
          expect(reply.kind).to.equal('done');
          readers.add(reply.kind === 'done' && reply.reader);
        });
      }
      await subject.wait(() => readers.size === 20);
    });

    it('hands a response to the reader until it has enough', async () => {
      const reply = await replyTo(await subject.responding(['some', 'thing\n'], 'open'));
      expect(reply.kind).to.equal('done');
      expect(reply.kind === 'done' && (reply.reader as LineReader).text).to.equal('something\n');
    });

    it('tells when the peer closed before the reader had enough', async () => {
      const reply = await replyTo(await subject.responding(['half']));
      expect(reply.kind).to.equal('closed');
      expect(reply.kind === 'closed' && (reply.reader as LineReader).text).to.equal('half');
    });

    it('tells when the peer closed without a word', async () => {
      const reply = await replyTo(await subject.responding([]));
      expect(reply.kind).to.equal('closed');
      expect(reply.kind === 'closed' && (reply.reader as LineReader).text).to.equal('');
    });

    it('gives up when a response stops in the middle, and gives what came', async () => {
      const reply = await replyTo(await subject.responding(['half'], 'open'));
      expect(reply).to.include({ kind: 'timeout', timeoutMs: 200, during: 'receive' });
      expect(reply.kind === 'timeout' && (reply.reader as LineReader).text).to.equal('half');
    });

    it('gets an echo back', async function () {
      if (subject.echoing === undefined) {
        this.skip();
        return;
      }
      expect((await replyTo(subject.echoing())).kind).to.equal('done');
    });
  });
}
