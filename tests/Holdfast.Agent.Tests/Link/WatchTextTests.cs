using System.Text.Json;
using Holdfast.Agent.Link;
using Holdfast.Protocol;
using Holdfast.Protocol.Driver;
using Holdfast.Protocol.Host;
using Shouldly;
using Xunit;

namespace Holdfast.Agent.Tests.Link;

/// <summary>A server of a later version: what an agent does not know costs what it is about, and nothing else.</summary>
public sealed class WatchTextTests
{
    private static readonly string Machine = JsonSerializer.Serialize(Samples.Machine(Desired.Running, 4), HostJson.Default.HostItem);

    [Fact]
    public void An_item_is_read() =>
        WatchText.Read(AgentGateway.ItemEvent, Machine).ShouldBeOfType<WatchEvent.Item>().Value.Id.ShouldBe(Samples.Vm.Value);

    [Theory]
    [InlineData("\"machine\"", "\"network\"")]
    [InlineData("\"running\"", "\"paused\"")]
    [InlineData("\"generation\":4", "\"generation\":{\"epoch\":4}")]
    public void An_item_with_a_value_of_a_later_version_is_named_as_far_as_it_can_be_read(string known, string later)
    {
        Machine.ShouldContain(known);

        var unreadable = WatchText.Read(AgentGateway.ItemEvent, Machine.Replace(known, later, StringComparison.Ordinal)).ShouldBeOfType<WatchEvent.Unreadable>();

        (unreadable.Id, unreadable.Revision).ShouldBe((Samples.Vm.Value, 104L));
        unreadable.Reason.ShouldNotBeEmpty();
    }

    [Theory]
    [InlineData("{}")]
    [InlineData("null")]
    [InlineData("[1]")]
    [InlineData("""{"id":7,"revision":"x"}""")]
    public void An_item_without_a_name_is_unreadable_without_a_name(string data)
    {
        var unreadable = WatchText.Read(AgentGateway.ItemEvent, data).ShouldBeOfType<WatchEvent.Unreadable>();
        (unreadable.Id, unreadable.Revision).ShouldBe((null, null));
    }

    [Theory]
    [InlineData(AgentGateway.SyncedEvent)]
    [InlineData(AgentGateway.PingEvent)]
    public void A_mark_tells_what_holds_for_all_guests_and_one_of_an_older_server_does_not(string type)
    {
        static GuestRules? Guests(WatchEvent? mark) => mark switch { WatchEvent.Synced synced => synced.Guests, WatchEvent.Ping ping => ping.Guests, _ => throw new InvalidOperationException() };

        Guests(WatchText.Read(type, JsonSerializer.Serialize(new WatchMark(7, new GuestRules { ResumeSeconds = 9 }), HostJson.Default.WatchMark))).ShouldBe(new GuestRules { ResumeSeconds = 9 });
        Guests(WatchText.Read(type, """{"revision":7}""")).ShouldBeNull();
    }

    [Theory]
    [InlineData(AgentGateway.ItemEvent, "{\"id\":")]
    [InlineData(AgentGateway.SyncedEvent, "[]")]
    [InlineData(AgentGateway.PingEvent, "null")]
    public void A_broken_stream_is_an_error(string type, string data) => Should.Throw<JsonException>(() => WatchText.Read(type, data));

    [Fact]
    public void An_event_of_an_unknown_type_is_nothing() => WatchText.Read("greeting", "{}").ShouldBeNull();

    [Fact]
    public void A_condition_of_a_later_version_keeps_its_text()
    {
        var read = JsonSerializer.Deserialize("""{"type":"clock-skewed","text":"The clock is off.","code":"throttled"}""", HostJson.Default.Condition)!;
        (read.Type, read.Text, read.Code).ShouldBe((ConditionType.Other, "The clock is off.", DriverErrorCode.Unknown));
    }

    [Fact]
    public void Every_condition_and_code_comes_back_as_it_went()
    {
        foreach (var type in Enum.GetValues<ConditionType>())
        {
            foreach (var code in Enum.GetValues<DriverErrorCode>())
            {
                var text = JsonSerializer.Serialize(new Condition { Type = type, Text = "x", Code = code }, HostJson.Default.Condition);
                var read = JsonSerializer.Deserialize(text, HostJson.Default.Condition)!;
                (read.Type, read.Code).ShouldBe((type, code));
            }
        }
    }
}
