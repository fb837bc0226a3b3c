import { describe, expect, it } from "vitest";
import { bearerModelList, listModels, readData } from "../../../../src/providers/http/list-models.ts";
import { hang } from "../../../support/misbehaving-answers.ts";
import { startRecordedServer, type Answer } from "../../../support/recorded-server.ts";

async function failureOf(answer: Answer, patienceMs = 10_000): Promise<unknown> {
  await using server = await startRecordedServer(answer);
  const list = { ...bearerModelList({ baseUrl: server.baseUrl, apiKey: "key" }), patienceMs };
  return await listModels("ours", list).catch((error: unknown) => error);
}

describe("a list of models", () => {
  it("that does not come in time is said to be late, its body included", async () => {
    const late = { message: "no answer within 0.05 s", kind: "network", sent: "unknown" };
    expect(await failureOf(hang, 50)).toMatchObject(late);
    const halfway: Answer = (_, response) => {
      response.writeHead(200, { "content-type": "application/json" });
      response.write('{"data": [');
    };
    expect(await failureOf(halfway, 50)).toMatchObject(late);
  });

  it("that is somewhere else is not fetched from there: the key would go along", async () => {
    await using other = await startRecordedServer();
    const redirect = { response: { status: 307, headers: { location: `${other.baseUrl}/models` }, bodyText: "" } };
    expect(await failureOf(redirect)).toMatchObject({
      ...{ message: "HTTP 307: a redirect, which is not followed", kind: "invalid-response", sent: "yes" },
    });
    expect(other.calls).toHaveLength(0);
  });

  it("is not read without end", async () => {
    const endless: Answer = (_, response) => {
      response.writeHead(200, { "content-type": "application/json" });
      const more = (): void => void (response.destroyed || response.write(" ".repeat(65_536), more));
      more();
    };
    expect(await failureOf(endless)).toMatchObject({
      ...{ message: "HTTP 200: more than 4 MiB in place of a list of models", kind: "invalid-response" },
    });
  });

  it.each([
    [1_798_761_600, "2027-01-01"],
    ["2027-01-14", "2027-01-14"],
    [1.8e13, null],
    [-1e300, null],
    ["+200000-01-01T00:00:00Z", null],
    ["soon", null],
    [null, null],
  ])("with the shutdown date %j has %j", (shutdown_date, retiresOn) => {
    expect(readData({ data: [{ id: "m", shutdown_date }] })).toEqual([{ model: "m", retiresOn }]);
  });
});
