using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Threading.Channels;
using Holdfast.Libvirt.Native;

namespace Holdfast.Libvirt.Events;

/// <summary>
/// The events of one connection, written into a channel. Bound to the life of that connection: after <see cref="LibvirtEvent.Closed"/> the channel is
/// completed and a new feed is needed.
/// </summary>
/// <remarks>
/// The connection is its own. When the channel is full, an event is dropped and counted: events are hints, and whoever reads <see cref="TakeDropped"/> as
/// not zero lists everything anew.
/// </remarks>
public sealed class LibvirtEventFeed
{
    private const int EventLifecycle = 0;
    private const int EventReboot = 1;
    private const int EventIoErrorReason = 6;
    private const int EventDeviceRemoved = 15;
    private const int EventDeviceRemovalFailed = 22;

    private readonly LibvirtSession _session;
    private readonly ChannelWriter<LibvirtEvent> _writer;
    private readonly List<int> _callbacks = [];
    private bool _closeRegistered;
    private long _dropped;

    private LibvirtEventFeed(LibvirtSession session, ChannelWriter<LibvirtEvent> writer)
    {
        _session = session;
        _writer = writer;
    }

    private ConnectHandle Connection => _session.Handle;

    /// <summary>Connects and subscribes, on a thread of the lane.</summary>
    /// <param name="lane">The lane.</param>
    /// <param name="uri">Where to connect to.</param>
    /// <param name="writer">Where the events go.</param>
    /// <param name="deadline">How long to wait.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>The feed, which the caller closes.</returns>
    public static async Task<LibvirtResult<LibvirtEventFeed>> OpenAsync(
        LibvirtLane lane, string uri, ChannelWriter<LibvirtEvent> writer, TimeSpan deadline, CancellationToken cancellationToken)
    {
        // A daemon that answers after the waiter has left must not leave a connection behind that nobody closes.
        var handOver = new HandOver();
        try
        {
            return await lane.RunAsync(
                deadline,
                () =>
                {
                    var feed = Open(uri, writer);
                    if (!handOver.TryGive())
                    {
                        feed.Close();
                    }

                    return feed;
                },
                cancellationToken);
        }
        finally
        {
            handOver.Leave();
        }
    }

    /// <summary>Unsubscribes and closes the connection, on a thread of the lane.</summary>
    /// <param name="lane">The lane.</param>
    /// <param name="deadline">How long to wait.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>How it ended. Whatever it is, the feed is of no use any more.</returns>
    public Task<LibvirtResult<bool>> CloseAsync(LibvirtLane lane, TimeSpan deadline, CancellationToken cancellationToken) =>
        lane.RunAsync(
            deadline,
            () =>
            {
                Close();
                return true;
            },
            cancellationToken);

    /// <summary>How many events found the channel full since the last time this was asked.</summary>
    public long TakeDropped() => Interlocked.Exchange(ref _dropped, 0);

    private static unsafe LibvirtEventFeed Open(string uri, ChannelWriter<LibvirtEvent> writer)
    {
        var feed = new LibvirtEventFeed(LibvirtSession.Open(uri), writer);
        try
        {
            feed.RegisterClose();
            feed.Register(EventLifecycle, (delegate* unmanaged[Cdecl]<nint, nint, int, int, void*, int>)&OnLifecycle);
            feed.Register(EventReboot, (delegate* unmanaged[Cdecl]<nint, nint, void*, void>)&OnReboot);
            feed.Register(EventIoErrorReason, (delegate* unmanaged[Cdecl]<nint, nint, byte*, byte*, int, byte*, void*, void>)&OnIoError);
            feed.Register(EventDeviceRemoved, (delegate* unmanaged[Cdecl]<nint, nint, byte*, void*, void>)&OnDeviceRemoved);
            feed.Register(EventDeviceRemovalFailed, (delegate* unmanaged[Cdecl]<nint, nint, byte*, void*, void>)&OnDeviceRemovalFailed);
            return feed;
        }
        catch
        {
            feed.Close();
            throw;
        }
    }

    private unsafe void Close()
    {
        // Failures are of no use here: closing the connection ends the callbacks too.
        foreach (var callback in _callbacks)
        {
            _ = LibvirtNative.virConnectDomainEventDeregisterAny(Connection, callback);
        }

        _callbacks.Clear();
        if (_closeRegistered)
        {
            _ = LibvirtNative.virConnectUnregisterCloseCallback(Connection, &OnClosed);
            _closeRegistered = false;
        }

        Connection.Dispose();
    }

    private unsafe void RegisterClose()
    {
        var self = GCHandle.Alloc(this);
        if (LibvirtNative.virConnectRegisterCloseCallback(Connection, &OnClosed, (void*)GCHandle.ToIntPtr(self), &OnFree) < 0)
        {
            var error = LibvirtNative.CopyLastError();
            self.Free();

            // The built-in test driver has no connection that could break.
            if (error.Code != LibvirtErrorCode.NoSupport)
            {
                throw new LibvirtException(error);
            }

            return;
        }

        _closeRegistered = true;
    }

    private unsafe void Register(int eventId, void* callback)
    {
        var self = GCHandle.Alloc(this);
        var id = LibvirtNative.virConnectDomainEventRegisterAny(Connection, 0, eventId, callback, (void*)GCHandle.ToIntPtr(self), &OnFree);
        if (id < 0)
        {
            var error = LibvirtNative.CopyLastError();
            self.Free();
            throw new LibvirtException(error);
        }

        _callbacks.Add(id);
    }

    private void Write(LibvirtEvent message)
    {
        if (!_writer.TryWrite(message))
        {
            Interlocked.Increment(ref _dropped);
        }
    }

    /// <summary>Nothing may leave a callback: above it is C. What fails is an event lost, and counted as one.</summary>
    [SuppressMessage("Design", "CA1031", Justification = "The boundary of a callback.")]
    private static unsafe void Guarded(void* opaque, nint domain, Func<Guid, LibvirtEvent> make)
    {
        var feed = (LibvirtEventFeed)GCHandle.FromIntPtr((nint)opaque).Target!;
        try
        {
            feed.Write(make(domain == 0 ? Guid.Empty : LibvirtDomain.BorrowedUuid(domain)));
        }
        catch (Exception)
        {
            Interlocked.Increment(ref feed._dropped);
        }
    }

    private static unsafe string Copy(byte* text) => Marshal.PtrToStringUTF8((nint)text) ?? "";

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static unsafe int OnLifecycle(nint connection, nint domain, int change, int detail, void* opaque)
    {
        Guarded(opaque, domain, id => new LibvirtEvent.Lifecycle(id, (LibvirtLifecycle)change, detail));
        return 0;
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static unsafe void OnReboot(nint connection, nint domain, void* opaque) =>
        Guarded(opaque, domain, id => new LibvirtEvent.Rebooted(id));

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static unsafe void OnIoError(nint connection, nint domain, byte* source, byte* alias, int action, byte* reason, void* opaque)
    {
        var (sourceText, aliasText, reasonText) = (Copy(source), Copy(alias), Copy(reason));
        Guarded(opaque, domain, id => new LibvirtEvent.DiskError(id, sourceText, aliasText, reasonText));
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static unsafe void OnDeviceRemoved(nint connection, nint domain, byte* alias, void* opaque)
    {
        var text = Copy(alias);
        Guarded(opaque, domain, id => new LibvirtEvent.DeviceRemoved(id, text));
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static unsafe void OnDeviceRemovalFailed(nint connection, nint domain, byte* alias, void* opaque)
    {
        var text = Copy(alias);
        Guarded(opaque, domain, id => new LibvirtEvent.DeviceRemovalFailed(id, text));
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static unsafe void OnClosed(void* connection, int reason, void* opaque)
    {
        Guarded(opaque, 0, _ => new LibvirtEvent.Closed((LibvirtCloseReason)reason));

        // Should the channel have been full, the end of it says the same.
        ((LibvirtEventFeed)GCHandle.FromIntPtr((nint)opaque).Target!)._writer.TryComplete();
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static unsafe void OnFree(void* opaque) => GCHandle.FromIntPtr((nint)opaque).Free();

    /// <summary>Decides between the one who opens and the one who waits, when the waiter leaves at the last moment.</summary>
    private sealed class HandOver
    {
        private int _state;

        /// <summary>Whether somebody will take the feed.</summary>
        internal bool TryGive() => Interlocked.CompareExchange(ref _state, 1, 0) == 0;

        internal void Leave() => Interlocked.CompareExchange(ref _state, 2, 0);
    }
}
