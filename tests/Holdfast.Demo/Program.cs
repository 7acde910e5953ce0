using System.Diagnostics;
using System.Globalization;
using Holdfast.Cli.CloudStack;
using Holdfast.Cli.Up;
using Holdfast.Scenarios;
using Holdfast.Scenarios.Regressions;
using Holdfast.Staging;

Death? death = args switch
{
    [] or ["refused"] => Death.Refused,
    ["blackhole"] => Death.BlackHoled,
    ["hang"] => Death.Silent,
    _ => null,
};
if (death is null)
{
    Console.Error.WriteLine("usage: ./demo [refused|blackhole|hang]   how the LINSTOR controller dies");
    return 2;
}

var began = Stopwatch.GetTimestamp();
Console.WriteLine("The case of apache/cloudstack#10465, with real QEMU guests; the LINSTOR controller is simulated.");
try
{
    await using var stage = await Stage.StartAsync(_ => { });
    Step("0. an installation is up: server, agent, a directory pool, a template", Stopwatch.GetElapsedTime(began));
    await CloudStack10465.PlayAsync(stage, death.Value, Step);
    Console.WriteLine("And when the storage is not deleted, only dead:");
    await DeadStorage.PlayAsync(stage, death.Value, Step);
}
catch (Exception failure) when (failure is PromiseBrokenException or ApiFaultException or StackFaultException)
{
    Console.WriteLine($"BROKEN: {failure.Message}");
    return 1;
}

Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"Every promise held. {Stopwatch.GetElapsedTime(began).TotalSeconds:0} s in all."));
return 0;

static void Step(string what, TimeSpan took) =>
    Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{took.TotalSeconds,7:0.00} s  {what}"));
